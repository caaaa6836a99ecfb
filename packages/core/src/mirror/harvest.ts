import { BIT_ACCESSED, BIT_DIRTY, type Command, type Fence, hasSettled } from '../driver/index.js';
import { whenSettled } from '../kit/index.js';
import {
  PAGE_ACCESSED,
  PAGE_CACHED,
  PAGE_DIRTY,
  PAGE_OWNED,
  PAGE_WRITTEN,
  type SpaceState,
  syncRange,
} from '../space/index.js';
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
  /** Pages written to their sources: 0 without `writeBack`. */
  readonly written: number;
}

/** Options of `mirror.harvest`. */
export interface HarvestOptions {
  /** Writes the dirty pages of shared file regions in the range to their sources afterwards, as `space.sync` does. Default false. */
  readonly writeBack?: boolean;
}

/** Entries of one mirror whose bits are under way: page numbers, what they mapped, and the bits. As many as one command takes. */
interface Harvest {
  readonly mirror: MirrorState;
  readonly numbers: readonly number[];
  readonly contents: Uint32Array;
  readonly bits: Uint8Array;
  /** 1 where this harvest is why the content counts as written until the bits are in. */
  readonly claimed: Uint8Array;
}

/**
 * Reads and clears the device's accessed and dirty bits of a byte range; the pages' flags and the eviction policy learn of them.
 * @throws TypeError for bad options; MirrorError `DEVICE_LOST`, `DEVICE_TIMEOUT`, and with `writeBack` what `space.sync` says
 */
export async function harvestRange(
  pool: PoolState,
  mirror: MirrorState,
  start: number,
  end: number,
  options: HarvestOptions,
): Promise<HarvestResult> {
  const { writeBack = false } = checkOptions(options);
  const { space } = mirror;
  const { store, base } = space;
  const since = pool.device.now();
  const parts = await harvest(pool, mirror, () =>
    store.keysWithin(base + space.pageOf(start), base + space.pageOf(end)).map((key) => key - base),
  );
  const found = { accessed: count(parts, BIT_ACCESSED), dirty: count(parts, BIT_DIRTY) };
  const pages = parts.reduce((sum, { bits }) => sum + bits.length, 0);
  reportHarvest(pool, mirror, pages, found, since);
  return { ...found, written: writeBack ? await writeBackRange(space, start, end) : 0 };
}

/** As `harvestRange`, of all entries that map certain pages: a byte a page, 1 where one of them was accessed. */
export async function harvestPages(pool: PoolState, residency: Residency, pages: Uint32Array): Promise<Uint8Array> {
  const { store } = residency;
  const accessed = new Uint8Array(pages.length);
  for (const mirror of pool.mirrors.filter((candidate) => candidate.residency === residency)) {
    const parts = await harvest(pool, mirror, () => {
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
    const hot = new Set<number>();
    for (const { contents, bits } of parts)
      contents.forEach((page, i) => void ((bits[i]! & BIT_ACCESSED) !== 0 && hot.add(page)));
    pages.forEach((page, i) => {
      if (hot.has(page)) accessed[i] = 1;
    });
  }
  return accessed;
}

/** Writes the dirty pages of the shared file regions that are left of a range; holes that came up meanwhile are no error. */
async function writeBackRange(space: SpaceState, start: number, end: number): Promise<number> {
  let written = 0;
  for (const region of space.regions.overlapping(start, end)) {
    const from = Math.max(start, region.start);
    const to = Math.min(end, region.end);
    if (!region.closed && from < to) written += await syncRange(space, from, to, {});
  }
  return written;
}

/**
 * Harvests entries of a mirror, those that `find` gives once earlier harvests of the device are in: a second one must not find
 * bits cleared that the first has not brought home yet. Until the bits are in, the content counts as written (`PAGE_WRITTEN`):
 * whatever takes the page meanwhile copies it home.
 */
async function harvest(pool: PoolState, mirror: MirrorState, find: () => number[]): Promise<Harvest[]> {
  const before = pool.harvesting;
  let end!: () => void;
  pool.harvesting = new Promise((resolve) => (end = resolve));
  pool.harvests++;
  try {
    for (const fence of pool.sampling) await over(pool, fence);
    await before;
    const numbers = find();
    const limit = pool.device.limits.pagesPerCommand;
    const parts: Harvest[] = [];
    for (let from = 0; from < numbers.length && !mirror.detached; from += limit)
      parts.push(await send(pool, mirror, numbers.slice(from, from + limit)));
    return parts;
  } finally {
    pool.harvests--;
    end();
  }
}

/**
 * Harvests the pages of some frames, synchronously up to the submission; nothing waits for it. Does nothing while another harvest is under way: frames of
 * one mirror a time, and pages with one entry only.
 */
export function sample(pool: PoolState, frames: Uint32Array, count: number): void {
  if (pool.harvests > 0) return;
  for (const mirror of pool.mirrors) {
    const numbers: number[] = [];
    const { residency, space } = mirror;
    const { store, base } = space;
    for (let i = 0; i < count; i++) {
      const page = pool.frames.pageOf[frames[i]!]!;
      if (pool.frames.owner(frames[i]!) !== residency.index || residency.frame(page) !== frames[i]) continue;
      const key = store.onlyKeyOf(page);
      if (key < 0 || pool.mirrorAt(residency, key) !== mirror) continue;
      store.unmark(page, PAGE_ACCESSED);
      numbers.push(key - base);
    }
    if (numbers.length > 0) sampleOf(pool, mirror, numbers);
  }
}

function sampleOf(pool: PoolState, mirror: MirrorState, numbers: readonly number[]): void {
  const work = begin(mirror, numbers);
  const { taken } = mirror.residency;
  const fence = submit(pool, work);
  const settled = () => {
    if (fence.signaled && !mirror.detached) settle(pool, work, mirror.residency.taken === taken);
  };
  if (hasSettled(fence)) {
    settled();
    return;
  }
  pool.harvests++;
  pool.sampling.add(fence);
  const before = pool.harvesting;
  pool.harvesting = new Promise((resolve) =>
    whenSettled(fence, () => {
      pool.harvests--;
      pool.sampling.delete(fence);
      settled();
      resolve(before);
    }),
  );
}

/** Waits until a command is over, whether it failed or not. @throws MirrorError `DEVICE_TIMEOUT` */
async function over(pool: PoolState, fence: Fence): Promise<void> {
  await fence.wait({ timeoutMs: pool.timeoutMs }).catch((error: unknown) => {
    if (!hasSettled(fence)) throw error;
  });
}

/** Harvests those of some entries that the device may have. Each command claims what it names in the turn that submits it: earlier, a page may get an owner after. */
async function send(pool: PoolState, mirror: MirrorState, candidates: readonly number[]): Promise<Harvest> {
  const { space, residency } = mirror;
  const { store, base } = space;
  const numbers = candidates.filter((number) => residency.frame(store.lookup(base + number)) >= 0);
  const work = begin(mirror, numbers);
  if (numbers.length === 0) return work;
  const { taken } = residency;
  await submit(pool, work).wait({ timeoutMs: pool.timeoutMs });
  // Bits that an invalidation took meanwhile are known to nobody: then all that was claimed stays claimed.
  settle(pool, work, residency.taken === taken);
  return work;
}

/** Claims what resident pages contain, by their numbers. */
function begin(mirror: MirrorState, numbers: readonly number[]): Harvest {
  const { store, base } = mirror.space;
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
  return work;
}

/** It fails where the mirror is detached meanwhile; that is no failure of the device. */
function submit(pool: PoolState, { mirror, numbers, bits }: Harvest): Fence {
  const pages = Float64Array.from(numbers);
  const { mmu, space } = mirror;
  const { pageSize } = space;
  const command: Command = { kind: 'harvest', mmu: mmu.id, pageSize, count: pages.length, pages, bits };
  const { queues } = pool;
  return queues.submit(queues.choose('recall'), [command], { mayFail: true });
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
    if ((bits[i]! & BIT_DIRTY) !== 0) {
      // Claimed by this harvest or not: nobody else has these bits.
      if (store.any(page, PAGE_OWNED)) store.mark(page, PAGE_WRITTEN);
      if (store.any(page, PAGE_CACHED)) store.mark(page, PAGE_DIRTY);
    }
    if ((bits[i]! & BIT_ACCESSED) === 0) continue;
    store.mark(page, PAGE_ACCESSED);
    store.lists?.touch(page);
    accessed.push(frame);
    const ahead = pool.frames.ahead[frame]!;
    if (ahead === 0) continue;
    pool.frames.ahead[frame] = 0;
    mirror.noteUse(numbers[i]!, true, ahead);
  }
  if (accessed.length > 0) pool.frames.policy.touch(Uint32Array.from(accessed), accessed.length);
}

function count(parts: readonly Harvest[], bit: number): number {
  return parts.reduce((sum, { bits }) => bits.reduce((found, value) => found + Number((value & bit) !== 0), sum), 0);
}

function checkOptions(options: HarvestOptions): HarvestOptions {
  if (typeof options !== 'object' || options === null) throw new TypeError('harvest takes { writeBack? }');
  const { writeBack } = options;
  if (writeBack !== undefined && typeof writeBack !== 'boolean')
    throw new TypeError(`writeBack must be a boolean, got ${typeof writeBack}`);
  return options;
}
