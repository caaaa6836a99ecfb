import { checkSignal, throwIfAborted } from './abort.js';
import { hex, rangeOf } from '../address/index.js';
import { MirrorError } from '../driver/index.js';
import { copyHome } from './copy-home.js';
import type { RecallMode } from './device-pages.js';
import type { HoldMode, HoldOptions } from './held.js';
import { HeldRange } from './held-range.js';
import { checkTimeout } from './in-time.js';
import { recallWhenFree } from './recall.js';
import {
  PAGE_HELD,
  PAGE_HELD_READ,
  PAGE_HELD_WRITE,
  PAGE_LOCKED,
  PAGE_LOST,
  PAGE_OWNED,
  PAGE_WRITTEN,
  PAGE_ZERO,
} from './page-state.js';
import { bringBack, keepPages, knownPages, untouched } from './reclaim/bring-back.js';
import { KeptPages } from './reclaim/swap-in.js';
import { isOutOfMemory } from './out-of-memory.js';
import { BEHIND_END, CHANGED, NEEDS_HOME, NEEDS_SOURCE, NEEDS_SWAP, NEEDS_UNLOCK, resolve } from './resolve.js';
import { MAX_DEVICES } from './page-store.js';
import type { Region } from './region.js';
import type { SourceLimits } from './source.js';
import type { SpaceState } from './state.js';

/** No pages of a range, as indexes. */
const NONE = { from: 0, to: 0 };

/** Why a range cannot be claimed yet: what to wait for, and where. */
interface Obstacle {
  readonly kind: 'locked' | 'held' | 'used' | 'source' | 'swap' | 'home' | 'room' | 'changed';
  readonly pageNumber: number;
  /** What said that there is no room. */
  readonly refusal?: unknown;
}

/** What is overcome by making room, which could take away what the range has already. */
const MAKES_ROOM: ReadonlySet<Obstacle['kind']> = new Set<Obstacle['kind']>(['source', 'swap', 'room']);

/**
 * Holds a byte range for the CPU: brings its pages home, and for writing takes them off every device.
 * Claims all pages at once, so that two acquisitions never wait for each other's halves.
 */
export async function acquire(
  space: SpaceState,
  start: number,
  bytes: number,
  mode: HoldMode,
  options: HoldOptions = {},
): Promise<HeldRange> {
  checkMode(mode);
  const range = rangeOf(start, bytes);
  const limits = checkHoldOptions(space, options);
  const aligned = space.pageRange(start, bytes);
  space.checkOpen();
  space.checkAccess(aligned.start, aligned.end, mode === 'write');
  const pages = new Uint32Array((aligned.end - aligned.start) / space.pageSize);
  const first = space.pageOf(aligned.start);
  // Pages that are there, or come back, stay locked until they are claimed: else what comes could push out what came before, for ever.
  using back = space.store.pressure === undefined ? undefined : new KeptPages(space.store);
  if (space.store.pressure !== undefined) await space.store.pressure.makeRoom(untouched(space, first, pages.length));
  let losses = 0;
  for (;;) {
    throwIfAborted(options.signal);
    space.checkOpen();
    space.checkAccess(aligned.start, aligned.end, mode === 'write');
    back?.end();
    const obstacle = tryCollect(space, first, pages, mode);
    if (obstacle !== undefined) {
      if (back !== undefined && MAKES_ROOM.has(obstacle.kind)) {
        back.begin();
        keepPages(space.store, known(space, first, pages.length), back, ~0);
      }
      const wait = { timeoutMs: limits.timeoutMs, signal: options.signal };
      await overcome(space, obstacle, first, pages.length, wait, back);
      continue;
    }
    const inner = mode === 'write' && options.discard === true ? innerPages(space, pages, range) : NONE;
    checkNotLost(space, first, pages, inner);
    for (const page of pages) space.store.hold(page, mode === 'write' ? PAGE_HELD_WRITE : PAGE_HELD_READ);
    try {
      await bringHome(space, first, pages, mode, inner, options.signal);
      // A device may have been lost while its pages were waited for.
      checkNotLost(space, first, pages, inner);
    } catch (error) {
      letGo(space, pages);
      // A device went while its pages were waited for: what is to be written whole is not lost by that.
      if (inner.from < inner.to && isGone(error) && losses++ < MAX_DEVICES) continue;
      throw error;
    }
    if (!space.closed && stillMapped(space, first, pages)) return hold(space, mode, range, pages, inner);
    letGo(space, pages);
  }
}

/** The pages behind a range of page numbers. */
function known(space: SpaceState, first: number, count: number): number[] {
  const { pageSize } = space;
  const regions = space.regions.overlapping(first * pageSize, (first + count) * pageSize);
  return regions.flatMap((region) => {
    const from = Math.max(first, space.pageOf(region.start));
    return knownPages(space, region, from, Math.min(first + count, space.pageOf(region.end)));
  });
}

/** Makes claimed pages that are at home what their holder sees. */
function hold(
  space: SpaceState,
  mode: HoldMode,
  range: { start: number; end: number },
  pages: Uint32Array,
  inner: { from: number; to: number },
): HeldRange {
  try {
    prepare(space, pages, mode, inner);
    return new HeldRange(space, mode, range.start, range.end - range.start, pages);
  } catch (error) {
    letGo(space, pages);
    throw error;
  }
}

/** As `collect`; where host memory has no room and pages can be reclaimed, that is an obstacle, too. */
function tryCollect(space: SpaceState, first: number, pages: Uint32Array, mode: HoldMode): Obstacle | undefined {
  try {
    return collect(space, first, pages, mode);
  } catch (refusal) {
    if (space.store.pressure === undefined || !isOutOfMemory(refusal)) throw refusal;
    return { kind: 'room', pageNumber: first, refusal };
  }
}

/** Resolves every page; the first that cannot be claimed now is the obstacle. */
function collect(space: SpaceState, first: number, pages: Uint32Array, mode: HoldMode): Obstacle | undefined {
  const { store, notifiers } = space;
  const { sequence } = notifiers;
  const write = mode === 'write';
  for (let i = 0; i < pages.length;) {
    const region = space.regions.at((first + i) * space.pageSize);
    // Copying the page before this one called notifiers, which can do anything.
    if (region === undefined) return { kind: 'changed', pageNumber: first + i };
    const { start, end: stop } = region;
    const end = Math.min(pages.length, space.pageOf(stop) - first);
    if (region.object === undefined) mapUntouched(space, first + i, first + end);
    const used = usedWithin(space, region, first + i, first + end, write);
    if (used >= 0) return { kind: 'used', pageNumber: used };
    for (; i < end; i++) {
      if (region.closed || region.start !== start || region.end !== stop)
        return { kind: 'changed', pageNumber: first + i };
      const page = resolve(space, region, first + i, write);
      if (page === CHANGED) return { kind: 'changed', pageNumber: first + i };
      if (page === NEEDS_SOURCE) return { kind: 'source', pageNumber: first + i };
      if (page === BEHIND_END) throw behindEnd((first + i) * space.pageSize);
      if (page === NEEDS_SWAP) return { kind: 'swap', pageNumber: first + i };
      if (page === NEEDS_HOME) return { kind: 'home', pageNumber: first + i };
      if (page === NEEDS_UNLOCK || store.any(page, PAGE_LOCKED)) return { kind: 'locked', pageNumber: first + i };
      if (store.any(page, write ? PAGE_HELD : PAGE_HELD_WRITE)) return { kind: 'held', pageNumber: first + i };
      pages[i] = page;
    }
  }
  if (notifiers.sequence === sequence) return undefined;
  space.checkAccess(first * space.pageSize, (first + pages.length) * space.pageSize, write);
  if (isAsCollected(space, first, pages, write)) return undefined;
  return { kind: 'changed', pageNumber: first };
}

/** Whether pages that were collected can be claimed still. */
function isAsCollected(space: SpaceState, first: number, pages: Uint32Array, write: boolean): boolean {
  const { store } = space;
  const inTheWay = PAGE_LOCKED | (write ? PAGE_HELD : PAGE_HELD_WRITE);
  if (!stillMapped(space, first, pages) || pages.some((page) => store.any(page, inTheWay))) return false;
  const end = first + pages.length;
  return space.regions.overlapping(first * space.pageSize, end * space.pageSize).every((region) => {
    const from = Math.max(first, space.pageOf(region.start));
    return usedWithin(space, region, from, Math.min(end, space.pageOf(region.end)), write) < 0;
  });
}

/** The first page number of a part of a region that a device is accessing in a way that forbids a hold, or -1. */
function usedWithin(space: SpaceState, region: Region, from: number, to: number, write: boolean): number {
  if (region.object === undefined) return -1;
  const shift = region.objectPage - space.pageOf(region.start);
  const used = region.object.uses.inTheWay(from + shift, to + shift, write);
  return used < 0 ? -1 : used - shift;
}

/** Gives untouched anonymous pages frames side by side, so that the range can be one view. */
function mapUntouched(space: SpaceState, from: number, to: number): void {
  const { store, base } = space;
  for (let at = from; at < to; at++) {
    if (store.lookup(base + at) !== -1) continue;
    let end = at + 1;
    while (end < to && store.lookup(base + end) === -1) end++;
    const page = store.createRun(end - at);
    for (let i = at; i < end; i++) store.link(base + i, page + i - at);
    at = end;
  }
}

async function overcome(
  space: SpaceState,
  obstacle: Obstacle,
  first: number,
  count: number,
  limits: SourceLimits,
  back: KeptPages | undefined,
): Promise<void> {
  const { store } = space;
  const { pageNumber } = obstacle;
  if (obstacle.kind === 'changed') return;
  const address = pageNumber * space.pageSize;
  const region = space.regions.at(address)!;
  if (obstacle.kind === 'source') {
    const index = region.objectPage + pageNumber - space.pageOf(region.start);
    const end = Math.min(first + count, space.pageOf(region.end));
    const keep = (_index: number, page: number) => {
      back?.add(page);
      return back !== undefined;
    };
    await region.object!.populate(index, end - pageNumber, limits, keep);
  } else if (obstacle.kind === 'swap') {
    await bringBack(space, pageNumber, first + count, limits, back);
  } else if (obstacle.kind === 'room') {
    await store.pressure!.relieve(obstacle.refusal);
  } else if (obstacle.kind === 'home') {
    const copy = await copyHome(space, pageNumber);
    if (copy < 0) return;
    store.unlock(copy);
    store.announce();
  } else if (!(await store.changed.wait(limits.timeoutMs, limits.signal))) {
    const why =
      obstacle.kind === 'held'
        ? 'the CPU holds it elsewhere (a Held that was not released)'
        : obstacle.kind === 'used'
          ? 'a device is accessing it, and has not finished'
          : lockedBy(space, pageNumber);
    throw new MirrorError('DEVICE_TIMEOUT', `waited ${limits.timeoutMs} ms for the page at ${hex(address)}: ${why}`, {
      address,
    });
  }
}

/**
 * Takes claimed pages off devices. What is to be dropped goes last, when nothing else can fail any more: dropping cannot be
 * undone, and the pages are zeros from then on.
 */
async function bringHome(
  space: SpaceState,
  first: number,
  pages: Uint32Array,
  mode: HoldMode,
  inner: { from: number; to: number },
  signal: AbortSignal | undefined,
): Promise<void> {
  const { store } = space;
  const recall = mode === 'write' ? 'revoke' : 'clean';
  await recallWhere(store, pages, 0, inner.from, recall, mode);
  await recallWhere(store, pages, inner.to, pages.length, recall, mode);
  if (inner.from === inner.to) return;
  throwIfAborted(signal);
  if (!space.closed && stillMapped(space, first, pages))
    await recallWhere(store, pages, inner.from, inner.to, 'drop', mode);
}

function behindEnd(address: number): MirrorError {
  return new MirrorError(
    'IO',
    `the page at ${hex(address)} lies behind the end of its source, which was truncated; unmap it, or make the source longer`,
    { address },
  );
}

/** Why a page is locked, for messages. */
function lockedBy(space: SpaceState, pageNumber: number): string {
  const region = space.regions.at(pageNumber * space.pageSize);
  const cached = region?.object?.lookup(region.objectPage + pageNumber - space.pageOf(region.start)) ?? -1;
  // A page is mapped only when its source has been read.
  if (cached >= 0 && space.store.mapCount(cached) === 0 && space.store.devicesOf(cached) === 0)
    return 'its source is being read and has not answered';
  return 'a copy into it is under way';
}

async function recallWhere(
  store: SpaceState['store'],
  pages: Uint32Array,
  from: number,
  to: number,
  recall: RecallMode,
  mode: HoldMode,
): Promise<void> {
  const isAway = (page: number) => (mode === 'write' ? store.devicesOf(page) !== 0 : store.any(page, PAGE_OWNED));
  const part = pages.subarray(from, to);
  // Held pages are locked by nobody but a device that makes room.
  if (part.some(isAway)) await recallWhenFree(store, () => part.filter(isAway), recall);
}

/** The pages that lie wholly inside a byte range, as indexes. */
function innerPages(
  space: SpaceState,
  pages: Uint32Array,
  range: { start: number; end: number },
): { from: number; to: number } {
  const from = range.start % space.pageSize === 0 ? 0 : 1;
  const to = range.end % space.pageSize === 0 ? pages.length : pages.length - 1;
  return { from, to: Math.max(from, to) };
}

function prepare(space: SpaceState, pages: Uint32Array, mode: HoldMode, inner: { from: number; to: number }): void {
  const { store } = space;
  if (mode === 'read') {
    for (const page of pages) if (store.any(page, PAGE_ZERO)) store.host.zero(page);
    return;
  }
  for (let i = 0; i < pages.length; i++) {
    const page = pages[i]!;
    const fresh = i >= inner.from && i < inner.to;
    if (store.any(page, PAGE_ZERO)) store.host.zero(page);
    else if (fresh) store.clear(page);
    if (fresh && store.any(page, PAGE_LOST)) store.cameHome(page);
    store.unmark(page, fresh ? PAGE_ZERO | PAGE_LOST | PAGE_WRITTEN : PAGE_ZERO);
  }
}

function checkNotLost(
  space: SpaceState,
  first: number,
  pages: Uint32Array,
  renewed: { from: number; to: number },
): void {
  for (let i = 0; i < pages.length; i++) {
    if (i >= renewed.from && i < renewed.to) continue;
    if (!space.store.any(pages[i]!, PAGE_LOST)) continue;
    const address = (first + i) * space.pageSize;
    throw new MirrorError(
      'DEVICE_LOST',
      `the page at ${hex(address)} existed only on a device that was lost; write it whole (acquire with discard, space.write) or discard it with space.dontNeed`,
      { address, ranges: [{ start: address, end: address + space.pageSize }] },
    );
  }
}

function isGone(error: unknown): boolean {
  return error instanceof MirrorError && (error.code === 'DEVICE_LOST' || error.code === 'CLOSED');
}

function stillMapped(space: SpaceState, first: number, pages: Uint32Array): boolean {
  for (let i = 0; i < pages.length; i++) if (space.store.lookup(space.base + first + i) !== pages[i]) return false;
  return true;
}

function letGo(space: SpaceState, pages: Uint32Array): void {
  for (const page of pages) space.store.unhold(page);
  space.store.announce();
}

function checkMode(mode: HoldMode): void {
  if (mode !== 'read' && mode !== 'write') throw new TypeError(`mode must be 'read' or 'write', got ${String(mode)}`);
}

/** @throws TypeError, RangeError */
export function checkHoldOptions(space: SpaceState, options: HoldOptions): { timeoutMs: number } {
  if (typeof options !== 'object' || options === null) throw new TypeError('hold options must be an object');
  const { timeoutMs = space.timeoutMs } = options;
  checkTimeout(timeoutMs);
  checkSignal(options.signal);
  return { timeoutMs };
}
