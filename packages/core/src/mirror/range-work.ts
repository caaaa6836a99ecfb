import {
  bringBack,
  keepPages,
  KeptPages,
  knownPages,
  PAGE_LOCKED,
  PAGE_OWNED,
  type RangeOptions,
  recallPages,
  recallWhenFree,
  type Region,
  type SourceLimits,
  type SpaceState,
  throwIfAborted,
} from '../space/index.js';
import { findAbsent, offer, remember } from './absent-pages.js';
import type { DevicePool } from './device-pool.js';
import { markAccessedRange } from './mark-accessed.js';
import type { MirrorState } from './mirror-state.js';
import { reportPrefetch } from './reports.js';

/** What is brought at a time: most pages, and most bytes, so that the device copies what is there while more is read. */
const CHUNK_PAGES = 1024;
const CHUNK_BYTES = 8 << 20;

/** Most pages to bring at a time: of a budget of host memory, only what several such chunks leave room for. */
function chunkOf({ store, pageSize }: SpaceState): number {
  return Math.max(1, Math.min(CHUNK_PAGES, CHUNK_BYTES / pageSize, store.pressure?.portion ?? CHUNK_PAGES));
}

/**
 * Brings the pages of a byte range to the device, `chunk` pages at a time, until done or out of room. Those of a chunk do not push each other out.
 * Resolves to pages brought.
 */
export async function bringRange(
  pool: DevicePool,
  mirror: MirrorState,
  start: number,
  end: number,
  write: boolean,
  options: RangeOptions = {},
  chunk = chunkOf(mirror.space),
): Promise<number> {
  const { space } = mirror;
  const first = space.pageOf(start);
  const last = space.pageOf(end);
  const since = pool.state.device.now();
  const limits = { timeoutMs: pool.state.timeoutMs, signal: options.signal };
  let brought = 0;
  let ahead: Promise<unknown> | undefined;
  for (let from = first; from < last;) {
    throwIfAborted(options.signal);
    if (ahead !== undefined) await ahead;
    const mustWait = waitsForOthers(mirror, from, last);
    const begin = from;
    const absent = findAbsent(mirror, from, mustWait ? Math.min(last, from + chunk) : last, chunk, write);
    from = absent.end;
    if (absent.count > 0) {
      using back = space.store.pressure === undefined ? undefined : new KeptPages(space.store);
      // What is there already is to stay, too.
      if (mustWait) await getReady(mirror, begin, absent.end, write, limits, back);
      back?.end();
      if (mirror.detached || pool.state.lostError !== undefined) break;
      if (brought === 0) spareThere(pool, mirror, start, end, absent.count);
      const room = pool.frames.capacity - brought;
      const offered = offer(pool, mirror, absent, write, room);
      const { placed, done } = pool.faults.bring(mirror);
      brought += placed;
      if (begin === first && from === last && placed === offered.count)
        remember(mirror, begin, absent, offered.refused, write);
      // More would push out what was just brought.
      const isFull = placed < offered.count || placed === room;
      // What fails is tried again in its turn, and then says so.
      if (mustWait && !isFull && from < last && done !== undefined)
        ahead = readSources(mirror, from, Math.min(last, from + chunk), limits).catch(() => undefined);
      if (done !== undefined) await done;
      if (isFull) break;
    } else if (begin === first && from === last) remember(mirror, begin, absent, [], write);
    options.onProgress?.(from - first, last - first);
  }
  reportPrefetch(pool.state, mirror, brought, since);
  return brought;
}

/** Brings what needs no waiting, synchronously: what is submitted afterwards finds it there. */
export function bringNow(pool: DevicePool, mirror: MirrorState, start: number, end: number, write: boolean): void {
  const { space } = mirror;
  const last = space.pageOf(end);
  const first = space.pageOf(start);
  let room = pool.frames.capacity;
  for (let from = first; from < last && room > 0;) {
    const begin = from;
    const absent = findAbsent(mirror, from, last, CHUNK_PAGES, write);
    from = absent.end;
    if (room === pool.frames.capacity) spareThere(pool, mirror, start, end, absent.count);
    const offered = offer(pool, mirror, absent, write, room);
    if (offered.count > 0 && pool.faults.bring(mirror).placed < offered.count) return;
    if (begin === first && from === last) remember(mirror, begin, absent, offered.refused, write);
    room -= offered.count;
  }
}

/** What is there of a range that fits as a whole is about to be used, and should not have to leave for the rest of it. */
function spareThere(pool: DevicePool, mirror: MirrorState, start: number, end: number, absent: number): void {
  const { frames } = pool;
  if (absent > frames.free && end - start <= frames.capacity * mirror.space.pageSize)
    markAccessedRange(pool.state, mirror, start, end);
}

/** Whether pages of a range may have to come from a source, the swap store or another device first. */
function waitsForOthers({ space, residency }: MirrorState, from: number, last: number): boolean {
  const { store, regions, pageSize } = space;
  if (store.swap !== undefined || store.hasDevicesBut(residency.bit)) return true;
  for (const { object } of regions.overlapping(from * pageSize, last * pageSize))
    if (object?.source !== undefined) return true;
  return false;
}

/** Reads what must come from sources or the swap store, and takes home what other devices own. */
async function getReady(
  mirror: MirrorState,
  from: number,
  to: number,
  write: boolean,
  limits: SourceLimits,
  back: KeptPages | undefined,
): Promise<void> {
  const { space, residency } = mirror;
  const mine = 1 << residency.bit;
  const regions = () => space.regions.overlapping(from * space.pageSize, to * space.pageSize);
  // Room is made for what comes: not by taking away what is there.
  const keep = () => {
    if (back === undefined) return;
    for (const region of regions()) {
      const { start, end } = within(space, region, from, to);
      keepPages(space.store, knownPages(space, region, start, end), back, mine);
    }
  };
  back?.begin();
  keep();
  if (space.store.swap !== undefined) await bringBack(space, from, to, limits, back);
  if (regions().some(({ object }) => object?.source !== undefined)) {
    const take = (_index: number, page: number) => {
      back?.add(page);
      return back !== undefined;
    };
    await readSources(mirror, from, to, limits, keep, take);
  } else keep();
  // Chosen and locked in one turn: what is in transit by then is left to its fault.
  const elsewhere: number[] = [];
  for (const region of regions()) {
    const { start, end } = within(space, region, from, to);
    for (const page of knownPages(space, region, start, end)) {
      const owned = space.store.any(page, PAGE_OWNED);
      if (space.store.any(page, PAGE_LOCKED)) continue;
      if ((space.store.devicesOf(page) & ~mine) !== 0 && (write || owned)) elsewhere.push(page);
    }
  }
  if (elsewhere.length > 0)
    await recallPages(space.store, Uint32Array.from(elsewhere), elsewhere.length, write ? 'revoke' : 'clean', mine);
}

/** Reads what regions show of sources in a range of page numbers; `before` is called before each, `take` may take over locks of what was read. */
async function readSources(
  mirror: MirrorState,
  from: number,
  to: number,
  limits: SourceLimits,
  before?: () => void,
  take?: (index: number, page: number) => boolean,
): Promise<void> {
  const { space } = mirror;
  for (const region of space.regions.overlapping(from * space.pageSize, to * space.pageSize)) {
    before?.();
    const { start, end } = within(space, region, from, to);
    // What was unmapped or moved while another region's source was read is nobody's business here.
    if (region.object?.source === undefined || region.closed || start >= end) continue;
    await region.object.populate(region.objectPage + start - space.pageOf(region.start), end - start, limits, take);
  }
}

/** The page numbers of a region that lie in `[from, to)`. */
export function within(space: SpaceState, region: Region, from: number, to: number): { start: number; end: number } {
  return { start: Math.max(from, space.pageOf(region.start)), end: Math.min(to, space.pageOf(region.end)) };
}

/** The pages of a range of page numbers that are in host memory. */
function touched(mirror: MirrorState, from: number, to: number): number[] {
  const { store, base } = mirror.space;
  return store.pagesWithin(base + from, base + to);
}

/** Takes the pages of a byte range off the device; their content comes home. Resolves to pages moved. */
export async function sendHome(mirror: MirrorState, start: number, end: number): Promise<number> {
  const { space, residency } = mirror;
  const { store } = space;
  const here = () =>
    touched(mirror, space.pageOf(start), space.pageOf(end)).filter((page) => residency.frame(page) >= 0);
  return recallWhenFree(store, () => Uint32Array.from(here()), 'revoke', ~(1 << residency.bit));
}
