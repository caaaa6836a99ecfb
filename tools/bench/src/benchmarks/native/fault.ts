import { spawnSync } from 'node:child_process';
import { addon, Advice, type Mapping, nativeMemory } from '@mirrorspace/native';
import type { Benchmark } from '../../harness/benchmark.js';
import { median, quartiles } from '../../harness/quartiles.js';
import { permutation } from '../../harness/random.js';
import { atMost, row } from '../../harness/row.js';

const PAGE = 4096;
/** Faults in one turn of one side. */
const FAULTS = 512;

/**
 * One load of a page that is not there, at random places, so that each is a fault of its own; the page has content, as after a device sent it
 * home. The peer is a handler thread that does one `UFFDIO_COPY` and nothing else. What is compared is the median of single faults.
 */
export const nativeFault: Benchmark = {
  id: 'native-fault',
  title: 'A load of one missing page through the handler thread, against a bare userfaultfd handler',
  run({ quick }) {
    stayOnOneProcessor();
    const rounds = quick ? 9 : 41;
    const ratios: number[] = [];
    const times = { subject: [] as number[], peer: [] as number[] };
    for (let round = -2; round < rounds; round++) {
      const sides = round % 2 === 0 ? (['subject', 'peer'] as const) : (['peer', 'subject'] as const);
      const medians = { subject: 0, peer: 0 };
      for (const side of sides) medians[side] = median(side === 'subject' ? live(round + 2) : bare(round + 2));
      if (round < 0) continue;
      ratios.push(medians.subject / medians.peer);
      times.subject.push(medians.subject);
      times.peer.push(medians.peer);
    }
    const { median: measured, low, high } = quartiles(ratios);
    const figures = { 'mirrorspace ns': median(times.subject), 'bare handler ns': median(times.peer) };
    const value = { measured, unit: 'x', spread: [low, high] } as const;
    return Promise.resolve([row('one fault of 4 KiB, p50', value, atMost(1.3), figures)]);
  },
};

/**
 * Threads that are made from now on run where this one does. Else it is chance whether a handler has to be woken on another, idle processor, which takes
 * ten times as long as the fault.
 */
function stayOnOneProcessor(): void {
  const { error } = spawnSync('taskset', ['-cp', '0', String(process.pid)]);
  if (error !== undefined) console.error('taskset is missing: the sides may run on different processors');
}

const memory = () => (made ??= nativeMemory());
let made: ReturnType<typeof nativeMemory> | undefined;

function live(seed: number): number[] {
  const range = memory().live.open(4 * FAULTS);
  for (let frame = range.first; frame < range.first + range.count; frame++)
    memory().bufferOf(frame)[memory().offsetOf(frame)] = 3;
  const times = fault(new Uint8Array(range.buffer(0, 4 * FAULTS * PAGE, true)), seed, 3);
  range.close();
  return times;
}

/** The same handler in all rounds, as it is on the other side: where the system puts a new thread would be most of what is measured. */
let handled: Mapping | undefined;

function bare(seed: number): number[] {
  const { Mapping, bareFaultHandler } = addon();
  if (handled === undefined) {
    handled = Mapping.reserve(4 * FAULTS * PAGE);
    bareFaultHandler(handled);
  }
  handled.advise(0, handled.length, Advice.dontNeed);
  return fault(new Uint8Array(handled.sharedArrayBuffer(0, handled.length)), seed, 0);
}

/** Nanoseconds of each of some loads in random order, every other page at most, so that none is the next of another. */
function fault(array: Uint8Array, seed: number, wanted: number): number[] {
  const times: number[] = [];
  for (const place of permutation(FAULTS, seed)) {
    const at = (4 * place + 1) * PAGE;
    const start = performance.now();
    const value = array[at];
    times.push((performance.now() - start) * 1e6);
    if (value !== wanted) throw new Error(`a page has ${value} where it should have ${wanted}`);
  }
  return times;
}
