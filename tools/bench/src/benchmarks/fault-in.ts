import type { Benchmark, RunOptions } from '../harness/benchmark.js';
import { coolCaches } from '../harness/caches.js';
import { now } from '../harness/clock.js';
import { compare, type Side } from '../harness/pair.js';
import { quartiles } from '../harness/quartiles.js';
import { permutation } from '../harness/random.js';
import { atMost, type Row, row } from '../harness/row.js';
import { PagedRegion, type Plan } from './paged-region.js';

interface Case {
  readonly name: string;
  readonly pageBytes: keyof typeof SLICE_BYTES;
  /** Share of the region that fits the device. */
  readonly fits: number;
  readonly access: Plan['access'];
  /** Work units in flight, and so faults a batch. */
  readonly units: number;
  readonly target: number;
}

const cases: readonly Case[] = [
  { name: 'fault-in, random 4 KiB pages', pageBytes: 4096, fits: 1, access: 'read', units: 4096, target: 1.5 },
  { name: 'the same, 256 units in flight', pageBytes: 4096, fits: 1, access: 'read', units: 256, target: 1.5 },
  { name: '50 % memory, clean eviction', pageBytes: 4096, fits: 0.5, access: 'read', units: 4096, target: 2 },
  { name: 'the same, 256 units in flight', pageBytes: 4096, fits: 0.5, access: 'read', units: 256, target: 2 },
  { name: '50 % memory, dirty eviction', pageBytes: 4096, fits: 0.5, access: 'write', units: 4096, target: 3 },
  { name: 'the same, 256 units in flight', pageBytes: 4096, fits: 0.5, access: 'write', units: 256, target: 3 },
  { name: 'fault-in, random 64 KiB pages', pageBytes: 65_536, fits: 1, access: 'read', units: 256, target: 1.2 },
];

/** Bytes a launch touches: many times what the processor's caches hold, and enough to spread the cost of a launch. */
const SLICE_BYTES = { 4096: 64 << 20, 65_536: 256 << 20 };

/**
 * Time from the launch of a program that touches randomly placed pages to its fence: every page faults once. In it: the
 * device's two attempts a work unit, fault buffer, batching, policy, commands with their checks, page tables, copies.
 * The peer copies as many pages of another array of the same size, in the same order, into an array that exists already.
 */
export const faultIn: Benchmark = {
  id: 'fault-in',
  title: 'fault-in of random pages, whole path, against TypedArray.set of pages as cold',
  async run(options) {
    const rows: Row[] = [];
    for (const one of cases) rows.push(await runCase(one, options));
    return rows;
  },
};

async function runCase(one: Case, { quick }: RunOptions): Promise<Row> {
  const { pageBytes, access, units } = one;
  const pages = (quick ? 128 << 20 : 512 << 20) / pageBytes;
  const slice = SLICE_BYTES[pageBytes] / pageBytes / (quick ? 4 : 1);
  const plan: Plan = { pageBytes, pages, frames: pages * one.fits, access, units, slice };
  const region = await PagedRegion.create(plan);
  // Gives every frame its storage, and fills the device.
  await region.touchAll();
  const subject = one.fits < 1 ? evicting(region) : filling(region);
  const options = { rounds: quick ? 8 : 32, warmup: (3 * pages) / slice, units: slice };
  const result = await compare(subject, copying(plan, one.fits < 1), options);
  const again = quartiles(subject.again).median / plan.slice;
  await region.close();
  const { low, median, high } = result.ratio;
  return row(one.name, { measured: median, unit: 'x', spread: [low, high] }, atMost(one.target), {
    'fault ns': result.subjectNs,
    'peer ns': result.peerNs,
    'of which the work unit on resident pages ns': again,
    'ratio without that x': (result.subjectNs - again) / result.peerNs,
  });
}

interface TimedSide extends Side {
  /** Nanoseconds a launch takes whose pages are there. */
  readonly again: number[];
}

/** The device holds everything: once it is full it is emptied. */
function filling(region: PagedRegion): TimedSide {
  return side(region, async () => {
    if (region.atStart) await region.empty();
  });
}

/** The device holds half, so that each page was evicted when its turn comes again. */
function evicting(region: PagedRegion): TimedSide {
  return side(region, () => Promise.resolve());
}

function side(region: PagedRegion, makeRoom: () => Promise<void>): TimedSide {
  const again: number[] = [];
  let faults = 0;
  return {
    again,
    async prepare() {
      await makeRoom();
      coolCaches();
      faults = region.mirror.stats.faults;
    },
    run: () => region.touchNext(),
    async settle() {
      faults = region.mirror.stats.faults - faults;
      if (faults !== region.plan.slice) throw new Error(`${faults} faults for ${region.plan.slice} pages`);
      coolCaches();
      const start = now();
      await region.touchAgain();
      again.push((now() - start) * 1e6);
      await region.check();
    },
  };
}

/**
 * Into frames in the order in which the device fills them: in turn where it gives up the oldest, else at random, since frames
 * given back were those of pages in the order of their addresses.
 */
function copying({ pageBytes, pages, slice }: Plan, inTurn: boolean): Side {
  const from = new Uint8Array(pages * pageBytes).fill(1);
  const to = new Uint8Array(pages * pageBytes).fill(2);
  const order = permutation(pages, 1);
  const frames = inTurn ? Uint32Array.from(order.keys()) : permutation(pages, 2);
  let next = 0;
  return {
    prepare: coolCaches,
    run() {
      for (let i = next; i < next + slice; i++) {
        const at = order[i]! * pageBytes;
        to.set(from.subarray(at, at + pageBytes), frames[i]! * pageBytes);
      }
      next = (next + slice) % pages;
    },
  };
}
