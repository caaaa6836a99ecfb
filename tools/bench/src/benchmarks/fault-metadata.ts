import { createSpace, type Mirror } from '@mirrorspace/core';
import type { Benchmark } from '../harness/benchmark.js';
import { measure } from '../harness/pair.js';
import { quartiles } from '../harness/quartiles.js';
import { permutation } from '../harness/random.js';
import { atMost, type Row, row } from '../harness/row.js';
import { NullDevice } from '../harness/null-device.js';

const PAGE = 4096;
const SLICES = 8;
/** Three times everything: what happens seldom gets compiled, too. */
const WARMUP = 3 * SLICES;
const TARGET = atMost(300);

interface Case {
  readonly name: string;
  readonly fits: number;
  readonly access: 'read' | 'write';
  /** Whether nobody has touched the pages before. */
  readonly untouched?: boolean;
}

const cases: readonly Case[] = [
  { name: 'metadata a fault, read', fits: 1, access: 'read' },
  { name: 'metadata a fault, write', fits: 1, access: 'write' },
  { name: 'metadata a fault, read, evicting', fits: 0.5, access: 'read' },
  { name: 'metadata a fault, first touch', fits: 1, access: 'read', untouched: true },
];

/** The whole path of a fault on a device that executes nothing: drain, decide, place, commands, submission, bookkeeping. */
export const faultMetadata: Benchmark = {
  id: 'fault-metadata',
  title: "core's work a fault, without copies and without a device's own work",
  async run({ quick }) {
    const pages = quick ? 1 << 15 : 1 << 17;
    const rows: Row[] = [];
    for (const one of cases) {
      const rounds = quick ? 8 : 32;
      const times = one.untouched === true ? await firstTouch(pages, rounds) : await faultAgain(one, pages, rounds);
      const { low, median, high } = quartiles(times);
      rows.push(row(one.name, { measured: median, unit: 'ns', spread: [low, high] }, TARGET, { pages }));
    }
    return rows;
  },
};

async function faultAgain(one: Case, pages: number, rounds: number): Promise<number[]> {
  const device = new NullDevice(pages * PAGE * one.fits, PAGE);
  const space = await createSpace();
  const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none' });
  const region = space.map({ bytes: pages * PAGE });
  const slices = slicesOf(region.address / PAGE, pages);
  for (const slice of slices) await device.faults.start(slice, one.access);
  let next = 0;
  const times = await measure(
    {
      async prepare() {
        if (next === 0 && one.fits === 1) await mirror.migrate(region.address, region.bytes, 'host');
      },
      async run() {
        await device.faults.start(slices[next]!, one.access);
        next = (next + 1) % SLICES;
      },
    },
    { rounds, warmup: WARMUP, units: pages / SLICES },
  );
  expectFaults(mirror, (rounds + WARMUP + SLICES) * (pages / SLICES));
  await space.close();
  return times;
}

async function firstTouch(pages: number, rounds: number): Promise<number[]> {
  const device = new NullDevice(pages * PAGE, PAGE);
  const space = await createSpace();
  const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none' });
  let region = space.map({ bytes: pages * PAGE });
  let slices = slicesOf(region.address / PAGE, pages);
  let next = 0;
  const times = await measure(
    {
      async prepare() {
        if (next === SLICES) {
          await region.unmap();
          region = space.map({ bytes: pages * PAGE });
          slices = slicesOf(region.address / PAGE, pages);
          next = 0;
        }
      },
      run: () => device.faults.start(slices[next++]!, 'read'),
    },
    { rounds, warmup: WARMUP, units: pages / SLICES },
  );
  expectFaults(mirror, (rounds + WARMUP) * (pages / SLICES));
  await space.close();
  return times;
}

/** The pages of a region in random order, in equal parts. */
function slicesOf(firstPage: number, pages: number): Float64Array[] {
  const order = Float64Array.from(permutation(pages, 1), (page) => firstPage + page);
  const length = pages / SLICES;
  return Array.from({ length: SLICES }, (_, i) => order.subarray(i * length, (i + 1) * length));
}

function expectFaults(mirror: Mirror, faults: number): void {
  if (mirror.stats.faults !== faults) throw new Error(`${mirror.stats.faults} faults instead of ${faults}`);
}
