import { MirrorError } from '../../driver/index.js';
import { changeEntries, keysOf, mapsStill } from '../entries.js';
import { inTime } from '../in-time.js';
import {
  PAGE_CACHED,
  PAGE_DEAD,
  PAGE_DIRTY,
  PAGE_HELD,
  PAGE_LIVE,
  PAGE_LOCKED,
  PAGE_LOST,
  PAGE_OWNED,
  PAGE_USED,
  PAGE_ZERO,
} from '../page-state.js';
import type { PageStore } from '../page-store.js';
import type { PageOutCounts, PageOutTarget } from './page-out-target.js';
import { entryOfSlot } from './swap-table.js';
import { systemPageOut } from './system-page-out.js';

/** Most bytes of one write to the swap store. */
const WRITE_BYTES = 1 << 20;
/** What a page must not be to leave host memory. */
const STAYS = PAGE_LOCKED | PAGE_HELD | PAGE_LOST | PAGE_DEAD | PAGE_OWNED;

/** Whether a page may leave host memory: no device uses it (R5), nobody holds it, nothing is under way with it. */
function mayLeave(store: PageStore, page: number): boolean {
  const state = store.stateOf(page);
  // Its frame is what plain accesses reach: only the system can take the bytes out of it.
  if ((state & PAGE_LIVE) !== 0 && store.host.pageOut === undefined) return false;
  if ((state & PAGE_USED) === 0 || (state & STAYS) !== 0 || store.devicesOf(page) !== 0) return false;
  // Neither: taken for something that is not ready yet.
  return (state & PAGE_CACHED) !== 0 || store.mapCount(page) > 0;
}

/**
 * Takes pages out of host memory, as far as they may leave: what a file has is dropped, after it was written back if it has to
 * be; zeros of anonymous memory are dropped; the rest goes to the swap store, or to the system's own where host memory has one. Resolves to
 * the pages that left.
 * @throws MirrorError `IO`, `DEVICE_TIMEOUT` from a source or the swap store; what could not be kept elsewhere stays
 */
export async function pageOut(target: PageOutTarget, pages: readonly number[], counts: PageOutCounts): Promise<number> {
  const { store } = target;
  const toSwap: number[] = [];
  const toFile: number[] = [];
  const toDrop: number[] = [];
  let freed = 0;
  for (const page of pages) {
    if (!mayLeave(store, page)) continue;
    if (isOfFile(store, page)) {
      // Its mappings show those bytes as long as they exist.
      if (store.homes.cacheOf(page).hasTail(store.homes.indexOf(page))) continue;
      if (store.any(page, PAGE_DIRTY)) toFile.push(page);
      else toDrop.push(page);
    } else if (isNothing(store, page)) toDrop.push(page);
    else toSwap.push(page);
  }
  const failures: unknown[] = [];
  freed += dropAll(store, toDrop, failures);
  counts.dropped += freed;
  // Before anything is waited for: these are locked in this turn. What is waited for may make any of the pages another one.
  const leave = store.host.pageOut === undefined ? swapOut : systemPageOut;
  // Dropping others called notifiers, which may have done anything to these.
  const still = toSwap.filter((page) => mayLeave(store, page) && !isOfFile(store, page));
  freed += await leave(target, still, counts, failures);
  const written = await writeBack(target, toFile, failures);
  counts.dropped += written;
  freed += written;
  counts.stayed += pages.length - freed;
  if (failures.length > 0) throw failures[0] as Error;
  return freed;
}

/** Whether an untouched page says the same: zeros that only anonymous mappings without an object show. */
function isNothing(store: PageStore, page: number): boolean {
  if (!store.any(page, PAGE_ZERO) || store.any(page, PAGE_CACHED) || store.host.tracker.written(page)) return false;
  return keysOf(store, page).every((key) => {
    const space = store.spaces.at(key);
    return space.isAnonymous((key - space.base) * space.pageSize);
  });
}

/**
 * Removes a page's entries, and the page from its cache: it is found or made again when it is touched. Returns 1 if it did: whoever
 * was told before may have done anything to the page, and those that were told of pages before it.
 * @throws what a notifier throws; the page stays then
 */
function drop(store: PageStore, page: number): number {
  if (!isDroppable(store, page)) return 0;
  const keys = keysOf(store, page);
  let dropped = 0;
  changeEntries(store, keys, 'clear', () => {
    if (!isDroppable(store, page) || !mapsStill(store, page, keys)) return;
    for (const key of keys) store.unlink(key, page);
    if (store.any(page, PAGE_CACHED)) store.homes.cacheOf(page).evict(store.homes.indexOf(page));
    dropped = 1;
  });
  return dropped;
}

/** Whether a page may leave and something else has its content: its file, or nothing at all. */
function isDroppable(store: PageStore, page: number): boolean {
  if (!mayLeave(store, page)) return false;
  if (!isOfFile(store, page)) return isNothing(store, page);
  return !store.any(page, PAGE_DIRTY) && !store.homes.cacheOf(page).hasTail(store.homes.indexOf(page));
}

function isOfFile(store: PageStore, page: number): boolean {
  return store.any(page, PAGE_CACHED) && store.homes.cacheOf(page).inFile;
}

/** Writes pages of files back, neighbours together, and drops them; what fails is added to `failures`. Resolves to how many were dropped. */
async function writeBack(
  { store, timeoutMs }: PageOutTarget,
  pages: readonly number[],
  failures: unknown[],
): Promise<number> {
  const { homes } = store;
  const isThere = (page: number) => mayLeave(store, page) && isOfFile(store, page);
  let dropped = 0;
  for (let left = pages; left.length > 0;) {
    // While others were waited for a page may have been freed, or be another one by now.
    const run = neighbours(store, left.filter(isThere));
    if (run.length === 0) break;
    const cache = homes.cacheOf(run[0]!);
    try {
      await cache.writeBack(homes.indexOf(run[0]!), run.length, { timeoutMs });
    } catch (error) {
      failures.push(error);
    }
    // So may any of these, or have been written again.
    const same = run.filter((page) => isThere(page) && homes.cacheOf(page) === cache);
    dropped += dropAll(store, same, failures);
    const done = new Set(run);
    left = left.filter((page) => !done.has(page));
  }
  return dropped;
}

/** The first of some pages of files in the order of their places, and those that follow it without a gap. */
function neighbours({ homes }: PageStore, pages: readonly number[]): number[] {
  if (pages.length === 0) return [];
  const cache = homes.cacheOf(pages[0]!);
  const own = pages.filter((page) => homes.cacheOf(page) === cache).sort((a, b) => homes.indexOf(a) - homes.indexOf(b));
  const first = homes.indexOf(own[0]!);
  const end = own.findIndex((page, i) => homes.indexOf(page) !== first + i);
  return end < 0 ? own : own.slice(0, end);
}

/** Drops pages, as far as something else has their content; what is thrown is added to `failures`. Returns how many were. */
function dropAll(store: PageStore, pages: readonly number[], failures: unknown[]): number {
  let dropped = 0;
  for (const page of pages) {
    try {
      dropped += drop(store, page);
    } catch (error) {
      failures.push(error);
    }
  }
  return dropped;
}

/** Writes pages to the swap store; what fails is added to `failures`. Resolves to the frames freed. Synchronous until all are locked. */
async function swapOut(
  target: PageOutTarget,
  pages: readonly number[],
  counts: PageOutCounts,
  failures: unknown[],
): Promise<number> {
  const { store } = target;
  const slots = store.swap;
  const count = Math.min(pages.length, slots?.free ?? 0);
  counts.noRoom += pages.length - count;
  if (slots === undefined || count === 0) return 0;
  const taken = Array.from({ length: count }, () => slots.take()).sort((a, b) => a - b);
  // Locked from the first to the last: what waits for its turn must not be taken by anybody else.
  for (let i = 0; i < count; i++) store.lock(pages[i]!);
  const most = Math.max(1, WRITE_BYTES / store.host.pageSize);
  let freed = 0;
  let failure: unknown;
  for (let from = 0; from < count;) {
    let to = from + 1;
    while (to < count && to - from < most && taken[to] === taken[from]! + to - from) to++;
    const run = pages.slice(from, to);
    const free = () => run.forEach((_page, i) => slots.give(taken[from]! + i));
    if (failure === undefined) failure = await write(target, run, taken[from]!, free).catch((error: unknown) => error);
    else free();
    for (let i = from; i < to; i++) {
      try {
        if (failure === undefined) freed += commit(store, pages[i]!, taken[i]!);
      } catch (error) {
        failures.push(error);
      }
      store.unlock(pages[i]!);
    }
    from = to;
  }
  store.announce();
  counts.swappedOut += freed;
  if (failure !== undefined) failures.push(failure);
  return freed;
}

/** Writes locked pages to slots side by side. Where that fails, `free` is called once the slots may have other pages. */
async function write(
  { store, swap, timeoutMs }: PageOutTarget,
  pages: readonly number[],
  slot: number,
  free: () => void,
): Promise<void> {
  const { host } = store;
  const { pageSize } = host;
  const bytes = new Uint8Array(pages.length * pageSize);
  pages.forEach((page, i) => {
    if (store.any(page, PAGE_ZERO)) return;
    const offset = host.offsetOf(page);
    bytes.set(host.bufferOf(page).subarray(offset, offset + pageSize), i * pageSize);
  });
  const work = (async () => swap!.write(slot * pageSize, bytes))();
  let failure: MirrorError;
  try {
    if (await inTime(work, timeoutMs)) return;
    failure = new MirrorError(
      'DEVICE_TIMEOUT',
      `waited ${timeoutMs} ms for the swap store to write ${pages.length} pages; they stay in host memory`,
    );
  } catch (cause) {
    failure = new MirrorError(
      'IO',
      `writing ${pages.length} pages to the swap store failed; they stay in host memory`,
      {
        cause,
      },
    );
  }
  // A late write must not reach a slot that has another page by then.
  void work.catch(() => undefined).then(free);
  throw failure;
}

/**
 * What was written takes effect: whatever referred to the page refers to the slot. Returns 1 if the page's frame is free once it is
 * unlocked; 0 if it stays, since whoever was told gave it entries that nobody was told of.
 * @throws what a notifier throws; the page stays then
 */
function commit(store: PageStore, page: number, slot: number): number {
  const swap = store.swap!;
  const { homes } = store;
  const keys = keysOf(store, page);
  let taken = false;
  const change = () => {
    if (store.any(page, PAGE_DEAD) || !mapsStill(store, page, keys)) return;
    swap.setWritten(slot, store.host.tracker.written(page));
    const cached = store.any(page, PAGE_CACHED);
    for (const key of keys) {
      store.unlink(key, page);
      // A shared object's pages are found through the object.
      if (!cached) store.linkSlot(key, slot);
    }
    taken = true;
    if (!cached) return;
    swap.refer(slot, homes.referenceOf(page));
    homes.cacheOf(page).swapOut(homes.indexOf(page), entryOfSlot(slot));
  };
  try {
    changeEntries(store, keys, 'clear', change);
  } finally {
    if (!taken) swap.give(slot);
  }
  return Number(taken || store.any(page, PAGE_DEAD));
}
