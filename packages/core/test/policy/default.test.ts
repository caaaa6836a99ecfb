import {
  type AttachOptions,
  createSpace,
  type JsProgram,
  type PolicySetName,
  policySets,
  RESIDENT_DEVICE,
} from '@mirrorspace/core';
import { ALL_FEATURES, memory } from '@mirrorspace/memory';
import { describe, expect, it, test } from 'vitest';

const PAGE = 4096;
const BASE = 2 ** 30;

/** Loads a byte of each of some pages, one work unit each. */
function walk(pages: readonly number[]): JsProgram {
  return {
    language: 'js',
    run(ctx, { x }) {
      ctx.load8(BASE + pages[x]! * PAGE);
    },
  };
}

async function run(attach: AttachOptions, frames: number, launches: readonly (readonly number[])[], inFlight = 64) {
  const device = await memory.open({
    ...{ memory: frames * PAGE, pageSizes: [PAGE], residentUnits: inFlight, faultBuffer: Math.max(256, inFlight) },
  });
  const space = await createSpace({ pageSize: PAGE });
  const mirror = await space.attach(device, attach);
  const extent = Math.max(...launches.flat()) + 1;
  space.map({ bytes: extent * PAGE, address: BASE, fixed: true });
  for (let page = 0; page < extent; page++) await space.write(BASE + page * PAGE, Uint8Array.of(1));
  const pagesIn: number[] = [];
  for (const pages of launches) {
    const before = mirror.stats.pagesIn;
    await mirror.launch(walk(pages), { grid: [pages.length] }).wait();
    pagesIn.push(mirror.stats.pagesIn - before);
  }
  const stats = { ...mirror.stats };
  await space.close();
  await device.close();
  return { stats, pagesIn };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const sum = (numbers: Readonly<Record<string, number>>) => Object.values(numbers).reduce((all, one) => all + one, 0);

/** Known answers (Jain and Lin, "Back to the future", ISCA 2016, section 2, of what each order is good for). */
describe('the default', () => {
  it('brings each page of a sequential scan once', async () => {
    const { stats } = await run({ policies: 'default' }, 512, [range(0, 2048)]);
    expect(stats.pagesIn).toBeLessThanOrEqual(2048 * 1.05);
  });

  it('keeps most of a loop of which least recently used keeps nothing', async () => {
    const frames = 256;
    const launches = Array.from({ length: 12 }, () => range(0, frames + 1));
    // One access after another: more in flight at once would hide it.
    const [ours, lru] = [
      await run({ policies: 'default' }, frames, launches, 1),
      await run({ policies: 'simple' }, frames, launches, 1),
    ];
    expect(Math.min(...lru.pagesIn)).toBe(frames + 1);
    expect(Math.max(...ours.pagesIn.slice(4))).toBeLessThan(frames / 2);
  });

  it('forgets a first phase once a second one runs', async () => {
    const phase = (from: number) => Array.from({ length: 6 }, () => range(from, from + 480));
    const { pagesIn } = await run({ policies: 'default' }, 512, [...phase(0), ...phase(1024)]);
    expect(pagesIn[5]).toBe(0);
    expect(pagesIn[11]).toBeLessThan(64);
  });

  it('does not bring much beside single pages where accesses are irregular, and keeps what is popular', async () => {
    let state = 1;
    const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
    const zipf = () => Math.floor(4096 ** next());
    const order = range(0, 4096).sort((a, b) => Math.imul(a, 0x9e3779b1) - Math.imul(b, 0x9e3779b1));
    const launches = Array.from({ length: 20 }, () => range(0, 2000).map(() => order[zipf() - 1] ?? 0));
    const [ours, uvm] = [
      await run({ policies: 'default' }, 1024, launches),
      await run({ policies: 'uvm' }, 1024, launches),
    ];
    expect(ours.stats.pagesIn).toBeLessThan(uvm.stats.pagesIn / 2);
  });

  it('says why each page came ahead and why each left', async () => {
    const { stats } = await run({ policies: 'default' }, 1024, [range(0, 4096), range(0, 4096)]);
    expect(sum(stats.evictionReasons)).toBe(stats.evictions);
    expect(sum(stats.fetchReasons)).toBeGreaterThanOrEqual(stats.prefetched);
    expect(stats.prefetchUsed + stats.prefetchWasted).toBeLessThanOrEqual(stats.prefetched);
    expect(stats.prefetchUsed).toBeGreaterThan(0);
  });
});

test.each(Object.keys(policySets) as PolicySetName[])(
  '%s serves what does not fit, one access at a time',
  async (name) => {
    const { stats } = await run({ policies: name }, 64, [range(0, 256)], 1);
    expect(stats.pagesIn).toBeGreaterThanOrEqual(256);
    expect(stats.evictions).toBeGreaterThanOrEqual(192);
  },
);

it('guesses push nothing out unless their policy says so, and never more than it says', async () => {
  const ahead: number[] = [];
  const attach = (evicts: number): AttachOptions => ({
    eviction: 'lru',
    prefetch: () => ({
      name: 'greedy',
      evicts,
      plan: (request, out) => {
        const { faults, room, regionEnd } = request;
        let count = 0;
        for (let page = faults[0]! + 1; page < regionEnd && count < room; page++)
          if (!request.resident(page)) out[count++] = page;
        ahead.push(room);
        return count;
      },
    }),
  });
  const { stats } = await run(attach(0), 16, [range(0, 64)], 1);
  expect(ahead.slice(1).every((room) => room === 0)).toBe(true);
  expect(stats.prefetched).toBe(15);
  ahead.length = 0;
  await run(attach(0.5), 16, [range(0, 64)], 1);
  expect(Math.max(...ahead.slice(1))).toBe(8);
});

it('what was brought ahead counts as used or wasted only where the device can tell', async () => {
  const features = ALL_FEATURES.filter((feature) => feature !== 'accessed-bits');
  const device = await memory.open({ memory: 64 * PAGE, pageSizes: [PAGE], features });
  const space = await createSpace();
  const mirror = await space.attach(device, { policies: 'uvm' });
  const { address } = space.map({ bytes: 256 * PAGE });
  for (let page = 0; page < 256; page++) await mirror.read(address + page * PAGE, 1);
  expect(mirror.stats).toMatchObject({ prefetchUsed: 0, prefetchWasted: 0 });
  expect(mirror.stats.prefetched).toBeGreaterThan(0);
  await space.close();
  await device.close();
});

it('a policy that is wrong costs time and no data', async () => {
  const device = await memory.open({ memory: 8 * PAGE, pageSizes: [PAGE] });
  const space = await createSpace();
  const tracked: number[] = [];
  let pinned = -1;
  const mirror = await space.attach(device, {
    // Chooses frames that are blocked, free, none at all, or chosen already.
    eviction: () => ({
      ...{ name: 'wrong', bytes: 0, size: 0, overshoot: 12, touch: () => undefined, remove: () => undefined },
      insert: (ids, count) => void tracked.push(...ids.subarray(0, count)),
      victims(out, count) {
        const wrong = [pinned, tracked[0]!, tracked[0]!, 7, 8, 2 ** 32 - 1, ...tracked.slice(0, count)];
        out.set(wrong);
        tracked.splice(0, count);
        return wrong.length;
      },
    }),
    // Proposes what is no page of the region.
    prefetch: () => ({
      name: 'wrong',
      evicts: 1,
      plan({ regionStart, regionEnd, faults }, out) {
        out.set([NaN, -1, regionStart - 1, regionEnd, faults[0]!, faults[0]! + 0.5, 2 ** 40, regionStart, regionStart]);
        return 99_999;
      },
    }),
  });
  const { address } = space.map({ bytes: 32 * PAGE });
  await space.advise(address, PAGE, { pin: mirror });
  pinned = tracked[0]!;
  for (let round = 1; round <= 3; round++) {
    for (let page = 0; page < 32; page++) await mirror.write(address + page * PAGE, Uint8Array.of(page + round));
    expect(mirror.residency(address, PAGE)[0]! & RESIDENT_DEVICE).not.toBe(0);
    for (let page = 0; page < 32; page += 3)
      expect(await mirror.read(address + page * PAGE, 1)).toEqual(Uint8Array.of(page + round));
  }
  for (let page = 0; page < 32; page++)
    expect(await space.read(address + page * PAGE, 1)).toEqual(Uint8Array.of(page + 3));
  expect(space.regions().length).toBe(2);
  await space.close();
  await device.close();
});

it('what goes to and fro is not brought ahead, whatever the policy proposes', async () => {
  const device = await memory.open({ memory: 64 * PAGE, pageSizes: [PAGE] });
  const space = await createSpace();
  const { address } = space.map({ bytes: 4 * PAGE });
  const first = address / PAGE;
  const mirror = await space.attach(device, {
    prefetch: () => ({
      name: 'all',
      plan({ regionStart, regionEnd, faults }, out) {
        let count = 0;
        for (let page = regionStart; page < regionEnd; page++) if (page !== faults[0]) out[count++] = page;
        return count;
      },
    }),
    thrashing: () => ({
      ...{ name: 'third', note: () => undefined, hint: () => ({ kind: 'none', place: -1, until: 0 }) },
      isThrashing: (page) => page === first + 2,
    }),
  });
  const there = () => Array.from(mirror.residency(address, 4 * PAGE), (bits) => (bits & RESIDENT_DEVICE) !== 0);
  // Before anything went home nothing goes to and fro.
  await mirror.write(address, Uint8Array.of(1));
  expect(there()).toEqual([true, true, true, true]);
  await mirror.migrate(address, 4 * PAGE, 'host');
  await mirror.write(address, Uint8Array.of(1));
  expect(there()).toEqual([true, true, false, true]);
  await space.close();
  await device.close();
});
