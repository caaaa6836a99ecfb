import { MirrorError } from '../driver/index.js';
import { changeEntries, keysOf } from './entries.js';
import type { HostSpace } from './host-state.js';
import { inTime } from './in-time.js';
import type { MemoryObject } from './memory-object.js';
import { PAGE_ZERO } from './page-state.js';
import { recallWhenFree } from './recall.js';
import type { ByteSource } from './source.js';
import type { SpaceState } from './state.js';
import { zap } from './unmap.js';

/**
 * Makes a source shorter. Its pages behind the new end leave the cache and every mapping in every space on the host memory, private
 * copies included, as the kernel's truncation does; what the last page has behind the end becomes zeros.
 */
export async function truncateSource(space: SpaceState, source: ByteSource, size: number): Promise<void> {
  checkTruncation(source, size);
  const object = space.host.objectOf(source);
  await object.beginTruncation(size, space);
  try {
    await shorten(space, source, size);
  } finally {
    object.endTruncation();
  }
  const mirrored = cutMappings(space, object, size);
  object.cutCache(Math.ceil(size / space.pageSize));
  space.store.announce();
  await clearTail(space, object, size);
  await Promise.all(mirrored.map((other) => other.flush()));
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

/** Takes what lies behind the new end out of the CPU page tables of all spaces; returns the spaces that had some of it mapped. */
function cutMappings(space: SpaceState, object: MemoryObject, size: number): HostSpace[] {
  const { pageSize, host } = space;
  const cut: HostSpace[] = [];
  for (const other of host.spaces.values()) {
    let mapped = false;
    for (const region of other.regions.overlapping(0, other.limit)) {
      if (region.object !== object) continue;
      mapped = true;
      const from = region.start + (Math.ceil(size / pageSize) - region.objectPage) * pageSize;
      const start = Math.max(region.start, from);
      if (start >= region.end) continue;
      other.notifiers.begin('clear', start, region.end);
      zap(other, start, region.end);
      other.notifiers.end();
    }
    if (mapped) cut.push(other);
  }
  return cut;
}

/** The bytes of the last page behind the end become zeros, wherever the page is. */
async function clearTail(space: SpaceState, object: MemoryObject, size: number): Promise<void> {
  const { store, pageSize } = space;
  const index = Math.floor(size / pageSize);
  if (size % pageSize === 0 || object.lookup(index) < 0) return;
  const away = () => {
    const page = object.lookup(index);
    return page >= 0 && store.devicesOf(page) !== 0 ? Uint32Array.of(page) : new Uint32Array(0);
  };
  await recallWhenFree(store, away, 'revoke');
  const page = object.lookup(index);
  if (page < 0 || store.any(page, PAGE_ZERO)) return;
  changeEntries(store, keysOf(store, page), 'clear', () => {
    const offset = store.host.offsetOf(page);
    store.host.bufferOf(page).fill(0, offset + (size % pageSize), offset + pageSize);
  });
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
