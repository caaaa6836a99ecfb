import { MirrorError } from '../driver/index.js';
import { changeEntriesRegardless, keysOf } from './entries.js';
import type { HostSpace } from './host-state.js';
import { inTime } from './in-time.js';
import type { MemoryObject } from './memory-object.js';
import { PAGE_LOCKED, PAGE_ZERO } from './page-state.js';
import { recallPages } from './recall.js';
import type { Region } from './region.js';
import type { ByteSource } from './source.js';
import type { SpaceState } from './state.js';
import { zap } from './unmap.js';

/**
 * Makes a source shorter, or longer. Its pages behind the new end leave the cache and every mapping in every space on the host memory, private
 * copies included, as the kernel's truncation does; what the last page has behind the end, the old one of a source that grows, becomes
 * zeros.
 */
export async function truncateSource(space: SpaceState, source: ByteSource, size: number): Promise<void> {
  checkTruncation(source, size);
  const object = space.host.objectOf(source);
  await object.beginTruncation(size, space);
  const failures: unknown[] = [];
  let mapping: readonly HostSpace[];
  try {
    // Where it ended: what a source that grows has behind that is zeros, whatever was stored there in the last page.
    const end = source.truncate === undefined ? size : Math.min(size, source.size);
    object.part(Math.floor(size / space.pageSize));
    await shorten(space, source, size);
    // The source has changed: whatever fails from here on, the rest is done.
    mapping = cutMappings(space, object, size, failures);
    object.cutCache(Math.ceil(size / space.pageSize));
    space.store.announce();
    await clearTail(space, object, end, failures).catch((error: unknown) => failures.push(error));
  } finally {
    object.endTruncation();
  }
  for (const result of await Promise.allSettled(mapping.map((other) => other.flush())))
    if (result.status === 'rejected') failures.push(result.reason);
  if (failures.length > 0) throw failures[0] as Error;
}

async function shorten(space: SpaceState, source: ByteSource, size: number): Promise<void> {
  if (source.truncate === undefined) return;
  const { timeoutMs } = space;
  const work = (async () => source.truncate!(size))();
  try {
    if (await inTime(work, timeoutMs)) return;
  } catch (cause) {
    throw new MirrorError('IO', `truncating a source to ${size} bytes failed; nothing was changed here`, { cause });
  }
  throw new MirrorError('DEVICE_TIMEOUT', `waited ${timeoutMs} ms for a source to truncate itself to ${size} bytes`);
}

/** Takes what lies behind the new end out of the CPU page tables of all spaces; returns the spaces that map the source. */
function cutMappings(space: SpaceState, object: MemoryObject, size: number, thrown: unknown[]): HostSpace[] {
  const end = Math.ceil(size / space.pageSize);
  const mapping: HostSpace[] = [];
  for (const other of space.host.spaces.values()) {
    const regions = regionsOf(other, object);
    if (regions.length === 0) continue;
    mapping.push(other);
    for (const region of regions) cutBehind(other, region, end, thrown);
    // What a notifier split meanwhile.
    for (let left = withEntries(other, object, end); left.length > 0; left = withEntries(other, object, end))
      for (const region of left) cutBehind(other, region, end, thrown);
  }
  return mapping;
}

function regionsOf(space: HostSpace, object: MemoryObject): Region[] {
  return space.regions.overlapping(0, space.limit).filter((region) => region.object === object);
}

/** The regions over an object that map something from a page of it on. */
function withEntries(space: HostSpace, object: MemoryObject, page: number): Region[] {
  const { base, host } = space;
  return regionsOf(space, object).filter((region) => {
    const start = addressOf(space, region, page);
    return host.store.keysWithin(base + space.pageOf(start), base + space.pageOf(region.end)).length > 0;
  });
}

/** Takes what a region maps of its object, from a page of it on, out of the CPU page table. */
function cutBehind(space: HostSpace, region: Region, page: number, thrown: unknown[]): void {
  const { object, end } = region;
  const start = addressOf(space, region, page);
  if (region.closed || start >= end) return;
  space.notifiers.beginRegardless('clear', start, end, thrown);
  if (!region.closed && region.object === object && region.end === end && addressOf(space, region, page) === start)
    zap(space, start, end);
  space.notifiers.end();
}

/** Where a region maps its object from a page of it on; its end for nowhere. */
function addressOf(space: HostSpace, region: Region, page: number): number {
  const address = region.start + (page - region.objectPage) * space.pageSize;
  return Math.min(region.end, Math.max(region.start, address));
}

/**
 * The bytes of the last page behind the end become zeros, wherever the page is. It is locked from before it comes home until then:
 * a device that uses it all the time would have it back at once.
 * @throws MirrorError `DEVICE_TIMEOUT`, `DEVICE_LOST`
 */
async function clearTail(space: SpaceState, object: MemoryObject, end: number, thrown: unknown[]): Promise<void> {
  const { store, pageSize, timeoutMs } = space;
  const index = Math.floor(end / pageSize);
  if (end % pageSize === 0) return;
  let page = -1;
  const lock = () => {
    page = object.lookup(index);
    if (page >= 0 && store.any(page, PAGE_LOCKED)) return false;
    if (page >= 0) store.lock(page);
    return true;
  };
  if (!(await store.changed.until(lock, timeoutMs))) {
    throw new MirrorError(
      'DEVICE_TIMEOUT',
      `a source was truncated, but its page at byte ${index * pageSize} was being copied for ${timeoutMs} ms, and shows old bytes behind ${end}: truncate again`,
    );
  }
  if (page < 0) return;
  try {
    await recallPages(store, Uint32Array.of(page), 1, 'revoke');
  } finally {
    // Of a lost page, too: it may be written in part, but never shows what was here.
    if (!store.any(page, PAGE_ZERO)) {
      const clear = () => {
        const offset = store.host.offsetOf(page);
        store.host.bufferOf(page).fill(0, offset + (end % pageSize), offset + pageSize);
      };
      changeEntriesRegardless(store, keysOf(store, page), 'clear', clear, thrown);
    }
    store.unlock(page);
    store.announce();
  }
}

function checkTruncation(source: ByteSource, size: number): void {
  if (typeof source !== 'object' || source === null || typeof source.read !== 'function')
    throw new TypeError('a source needs { size, read }');
  if (typeof size !== 'number') throw new TypeError(`a size must be a number of bytes, got ${typeof size}`);
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`a size must be a number of bytes, got ${size}`);
  if (source.truncate !== undefined) return;
  if (source.size > size) {
    throw new MirrorError(
      'INVALID_ARGUMENT',
      `the source still has ${source.size} bytes; give it truncate(size), or shorten it to ${size} bytes before`,
    );
  }
}
