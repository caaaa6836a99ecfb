import { type AddressSpace, createSpace, type Region } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { bytesPerCall } from '../harness/allocation.js';
import type { Benchmark } from '../harness/benchmark.js';
import { compare, type Side } from '../harness/pair.js';
import { permutation, uniform } from '../harness/random.js';
import { atMost, type Row, row } from '../harness/row.js';

const PAGE = 4096;
const REGIONS = 100_000;
/** Every so-many-th region has a page on the device. */
const RESIDENT_EVERY = 10;
const CALLS = 4096;

/**
 * The synchronous part of an invalidation, `notifiers.begin` and `end`, on a random one of 100,000 regions, with a mirror
 * attached and a page of every tenth region on its device. The peer reads a random one of 100,000 entries of a Map.
 */
export const invalidate: Benchmark = {
  id: 'invalidate',
  title: 'synchronous invalidate of one range among 100,000 regions against one Map.get',
  async run({ quick }) {
    const rows: Row[] = [];
    for (const notifiers of [0, REGIONS]) rows.push(...(await runCase(notifiers, quick ? 12 : 60)));
    return rows;
  },
};

async function runCase(notifiers: number, rounds: number): Promise<Row[]> {
  const device = await memory.open({ memory: '256 MiB' });
  const space = await createSpace();
  const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none' });
  // One page of nothing between regions, as separate mappings have.
  const regions = Array.from({ length: REGIONS }, (_, i) =>
    space.map({ bytes: 2 * PAGE, address: (i + 16) * 3 * PAGE, fixed: true }),
  );
  for (let i = 0; i < REGIONS; i += RESIDENT_EVERY) await mirror.prefetch(regions[i]!.address, PAGE);
  let told = 0;
  const count = () => {
    told++;
  };
  for (let i = 0; i < notifiers; i++) {
    const { address, end } = regions[i]!;
    space.notifiers.insert({ start: address, end, invalidate: count });
  }
  const subject = invalidating(space, regions);
  const result = await compare(subject, looking(), { rounds, warmup: 20, units: CALLS });
  const name = notifiers === 0 ? 'invalidate against Map.get' : 'invalidate, 100,000 notifiers';
  const { low, median, high } = result.ratio;
  const bytes = await allocated(space, regions);
  if (notifiers > 0 && told === 0) throw new Error('no notifier was told');
  return [
    row(name, { measured: median, unit: 'x', spread: [low, high] }, atMost(10), {
      'invalidate ns': result.subjectNs,
      'Map.get ns': result.peerNs,
      'entries marked': mirror.stats.invalidated,
    }),
    row(`${name}: allocated`, { measured: bytes, unit: 'bytes' }, atMost(0), { calls: CALLS }),
  ];
}

function invalidating(space: AddressSpace, regions: readonly Region[]): Side {
  const { notifiers } = space;
  const starts = Float64Array.from(permutation(REGIONS, 3), (i) => regions[i]!.start);
  let next = 0;
  return {
    run() {
      for (let i = 0; i < CALLS; i++) {
        notifiers.begin('protection', starts[next]!, starts[next]! + 2 * PAGE);
        next = next + 1 === REGIONS ? 0 : next + 1;
        notifiers.end();
      }
    },
    // Carries the marks to the device, so that they do not pile up.
    settle: () => space.flush(),
  };
}

/** Bytes left on the heap by one invalidation. */
async function allocated(space: AddressSpace, regions: readonly Region[]): Promise<number> {
  const { notifiers } = space;
  let next = 0;
  let least = Infinity;
  for (let attempt = 0; attempt < 5; attempt++) {
    await space.flush();
    const once = () => {
      const region = regions[next]!;
      next = next + 1 === REGIONS ? 0 : next + 1;
      notifiers.begin('protection', region.start, region.end);
      notifiers.end();
    };
    least = Math.min(least, bytesPerCall(once, CALLS));
  }
  return least;
}

function looking(): Side {
  const map = new Map<number, { value: number }>();
  for (let i = 0; i < REGIONS; i++) map.set(i, { value: i });
  const keys = uniform(1 << 17, REGIONS, 4);
  let next = 0;
  let sum = 0;
  return {
    run() {
      for (let i = 0; i < CALLS; i++) {
        sum += map.get(keys[next]!)!.value;
        next = (next + 1) & (keys.length - 1);
      }
      if (sum < 0) throw new Error('the sum is used');
    },
  };
}
