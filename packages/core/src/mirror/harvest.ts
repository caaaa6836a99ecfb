import { IdList } from '../address/index.js';
import { BIT_ACCESSED, BIT_DIRTY, type Command } from '../driver/index.js';
import { PAGE_ACCESSED, PAGE_CACHED, PAGE_DIRTY, PAGE_OWNED, PAGE_WRITTEN } from '../space/index.js';
import type { MirrorState } from './mirror-state.js';
import type { PoolState } from './pool-state.js';
import { reportHarvest } from './reports.js';
import type { Residency } from './residency.js';

/** What a harvest found. */
export interface HarvestResult {
  /** Pages accessed since the last harvest. */
  readonly accessed: number;
  /** Pages written since the last harvest. */
  readonly dirty: number;
}

/** Entries of one mirror whose bits are under way: page numbers, what they mapped, and the bits. */
interface Harvest {
  readonly mirror: MirrorState;
  readonly numbers: readonly number[];
  readonly contents: Uint32Array;
  readonly bits: Uint8Array;
  /** 1 where this harvest is why the content counts as written until the bits are in. */
  readonly claimed: Uint8Array;
}

/** Reads and clears the device's accessed and dirty bits of a byte range; the pages' flags and the eviction policy learn of them. */
export async function harvestRange(
  pool: PoolState,
  mirror: MirrorState,
  start: number,
  end: number,
): Promise<HarvestResult> {
  const { space } = mirror;
  const { store, base } = space;
  const since = pool.device.now();
  const { bits, contents } = await harvest(pool, mirror, () => {
    const slots = new IdList();
    store.table.collect(base + space.pageOf(start), base + space.pageOf(end), slots);
    return Array.from(slots.items.subarray(0, slots.length), (slot) => store.table.pageOfSlot(slot) - base);
  });
  const result = { accessed: count(bits, BIT_ACCESSED), dirty: count(bits, BIT_DIRTY) };
  reportHarvest(pool, mirror, contents.length, result, since);
  return result;
}

/** As `harvestRange`, of all entries that map certain pages: a byte a page, 1 where one of them was accessed. */
export async function harvestPages(pool: PoolState, residency: Residency, pages: Uint32Array): Promise<Uint8Array> {
  const { store } = residency;
  const accessed = new Uint8Array(pages.length);
  for (const mirror of pool.mirrors.filter((candidate) => candidate.residency === residency)) {
    const { bits, contents } = await harvest(pool, mirror, () => {
      const numbers: number[] = [];
      for (const page of pages) {
        if (residency.frame(page) < 0) continue;
        for (let i = 0; i < store.mapCount(page); i++) {
          const key = store.mappingKey(page, i);
          if (pool.mirrorAt(residency, key) === mirror) numbers.push(key - mirror.space.base);
        }
      }
      return numbers;
    });
    const hot = new Set(contents.filter((_page, i) => (bits[i]! & BIT_ACCESSED) !== 0));
    pages.forEach((page, i) => {
      if (hot.has(page)) accessed[i] = 1;
    });
  }
  return accessed;
}

/**
 * Harvests entries of a mirror, those that `find` gives once earlier harvests of the device are in: a second one must not find
 * bits cleared that the first has not brought home yet. Until the bits are in, the content counts as written (`PAGE_WRITTEN`):
 * whatever takes the page meanwhile copies it home.
 */
async function harvest(pool: PoolState, mirror: MirrorState, find: () => number[]): Promise<Harvest> {
  const before = pool.harvesting;
  let end!: () => void;
  pool.harvesting = new Promise((resolve) => (end = resolve));
  try {
    await before;
    return await send(pool, mirror, find);
  } finally {
    end();
  }
}

async function send(pool: PoolState, mirror: MirrorState, find: () => number[]): Promise<Harvest> {
  const { space, residency, mmu } = mirror;
  const { store, base, pageSize } = space;
  const numbers = mirror.detached ? [] : find().filter((number) => residency.frame(store.lookup(base + number)) >= 0);
  const work: Harvest = {
    mirror,
    numbers,
    contents: Uint32Array.from(numbers, (number) => store.lookup(base + number)),
    bits: new Uint8Array(numbers.length),
    claimed: new Uint8Array(numbers.length),
  };
  work.contents.forEach((page, i) => {
    if (!store.any(page, PAGE_OWNED)) return;
    work.claimed[i] = Number(!store.any(page, PAGE_WRITTEN));
    store.mark(page, PAGE_WRITTEN);
  });
  const { taken } = residency;
  const limit = pool.device.limits.pagesPerCommand;
  for (let from = 0; from < numbers.length; from += limit) {
    const pages = Float64Array.from(numbers.slice(from, from + limit));
    const bits = work.bits.subarray(from, from + pages.length);
    const command: Command = { kind: 'harvest', mmu: mmu.id, pageSize, count: pages.length, pages, bits };
    // It fails where the mirror is detached meanwhile; that is no failure of the device.
    const { queues, timeoutMs } = pool;
    await queues.submit(queues.choose('recall'), [command], { mayFail: true }).wait({ timeoutMs });
  }
  // Bits that an invalidation took meanwhile are known to nobody: then all that was claimed stays claimed.
  settle(pool, work, residency.taken === taken);
  return work;
}

function settle(pool: PoolState, work: Harvest, certain: boolean): void {
  const { mirror, numbers, contents, bits, claimed } = work;
  const { residency, space } = mirror;
  const { store } = residency;
  const accessed: number[] = [];
  const written = new Set(contents.filter((_page, i) => (bits[i]! & BIT_DIRTY) !== 0));
  for (let i = 0; i < contents.length; i++) {
    const before = contents[i]!;
    const clean = claimed[i] === 1 && certain && !written.has(before);
    if (clean && residency.frame(before) >= 0 && store.any(before, PAGE_OWNED)) store.unmark(before, PAGE_WRITTEN);
    // Looked up anew: it may have left meanwhile, with what was written, or have another number.
    const page = store.lookup(space.base + numbers[i]!);
    const frame = page < 0 ? -1 : residency.frame(page);
    if (frame < 0) continue;
    if ((bits[i]! & BIT_DIRTY) !== 0 && store.any(page, PAGE_CACHED)) store.mark(page, PAGE_DIRTY);
    if ((bits[i]! & BIT_ACCESSED) === 0) continue;
    store.mark(page, PAGE_ACCESSED);
    store.lists?.touch(page);
    accessed.push(frame);
  }
  if (accessed.length > 0) pool.frames.policy.touch(Uint32Array.from(accessed), accessed.length);
}

function count(bits: Uint8Array, bit: number): number {
  return bits.reduce((found, value) => found + Number((value & bit) !== 0), 0);
}
