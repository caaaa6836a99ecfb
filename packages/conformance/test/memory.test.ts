import { test } from 'vitest';
import { memory as backend, TYPICAL_LATENCY, type MemoryOptions } from '@mirrorspace/memory';
import { driverCases, mirrorCases, vitestSuite } from '../src/index.js';
import { suiteOf } from './helpers.js';

await vitestSuite(test, { backend, seed: 1 });

const reduced: Readonly<Record<string, MemoryOptions>> = {
  'that takes time': { latency: TYPICAL_LATENCY, faults: [{ do: 'reorder' }], seed: 3 },
  'that claims nothing': { features: [] },
  'of one page size and a fault buffer of 4': {
    features: ['replayable-faults', 'program:js', 'atomics', 'queues'],
    pageSizes: [65536],
    faultBuffer: 4,
    residentUnits: 64,
  },
  'that is tiny': {
    memory: 32768,
    pageSizes: [4096],
    pagesPerCommand: 3,
    commandsPerSubmit: 4,
    addressBits: 32,
    tlbEntries: 2,
  },
};

/** Cases that ask for something to be under way, which on a device that needs no time is over at once. */
const underWay = mirrorCases.filter(({ address }) =>
  /:(each-change|each-reclaim):.*state=(in-flight|faulting)/.test(address),
);

for (const [what, backendOptions] of Object.entries(reduced)) {
  const cases = what === 'that takes time' ? [...driverCases, ...underWay] : driverCases;
  await suiteOf(`a device ${what}`, { backend, backendOptions, cases, seed: 2 });
}
