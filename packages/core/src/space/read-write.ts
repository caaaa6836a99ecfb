import { rangeOf } from '../address/index.js';
import { throwIfAborted } from './abort.js';
import { acquire, checkHoldOptions } from './acquire.js';
import type { HoldOptions } from './held.js';
import type { SpaceState } from './state.js';

/** Most bytes held at once by one read or write. */
const CHUNK_BYTES = 16 << 20;
/** The share of a budget that one read or write holds at most. */
const BUDGET_SHARE = 4;

/** Reads bytes as the CPU. Untouched anonymous memory reads as zeros and stays untouched. */
export async function readBytes(
  space: SpaceState,
  start: number,
  bytes: number,
  options: HoldOptions,
): Promise<Uint8Array> {
  const { end } = rangeOf(start, bytes);
  checkHoldOptions(space, options);
  throwIfAborted(options.signal);
  checkRights(space, start, bytes, false);
  const result = new Uint8Array(bytes);
  for (let at = start; at < end;) {
    const stop = Math.min(end, at + chunkBytes(space));
    const from = firstTouched(space, at, stop);
    if (from < stop) {
      const to = Math.min(stop, untouchedAfter(space, from, stop));
      using held = await acquire(space, from, to - from, 'read', options);
      result.set(held.bytes, from - start);
      at = to;
    } else at = stop;
  }
  return result;
}

/** Writes bytes as the CPU. Whole pages are not copied home first. */
export async function writeBytes(
  space: SpaceState,
  start: number,
  from: Uint8Array,
  options: HoldOptions,
): Promise<void> {
  if (!(from instanceof Uint8Array))
    throw new TypeError('write takes a Uint8Array; wrap other views: new Uint8Array(view.buffer, …)');
  const { end } = rangeOf(start, from.byteLength);
  checkHoldOptions(space, options);
  checkRights(space, start, from.byteLength, true);
  for (let at = start; at < end;) {
    const chunk = chunkBytes(space);
    const stop = Math.min(end, Math.floor(at / chunk + 1) * chunk);
    using held = await acquire(space, at, stop - at, 'write', { ...options, discard: true });
    held.overwrite(from.subarray(at - start, stop - start));
    at = stop;
  }
}

function checkRights(space: SpaceState, start: number, bytes: number, write: boolean): void {
  space.checkOpen();
  const range = space.pageRange(start, bytes);
  space.checkAccess(range.start, range.end, write);
}

function isUntouched(space: SpaceState, address: number): boolean {
  return (
    space.store.lookup(space.base + space.pageOf(address)) === -1 && space.regions.at(address)?.object === undefined
  );
}

function firstTouched(space: SpaceState, start: number, end: number): number {
  for (let at = start; at < end; at = nextPage(space, at)) if (!isUntouched(space, at)) return at;
  return end;
}

function untouchedAfter(space: SpaceState, start: number, end: number): number {
  for (let at = start; at < end; at = nextPage(space, at)) if (isUntouched(space, at)) return at;
  return end;
}

function nextPage(space: SpaceState, address: number): number {
  return (space.pageOf(address) + 1) * space.pageSize;
}

/** Most bytes to hold at once, whole pages: less where that would be much of the budget. */
function chunkBytes({ host, pageSize }: SpaceState): number {
  const share = (host.reclaimer?.options.budget ?? Infinity) / BUDGET_SHARE;
  return Math.max(pageSize, Math.min(CHUNK_BYTES, Math.floor(share / pageSize) * pageSize));
}
