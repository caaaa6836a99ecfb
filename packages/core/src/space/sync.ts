import { throwIfAborted } from './abort.js';
import { hex } from '../address/index.js';
import { type ByteRange, MirrorError } from '../driver/index.js';
import type { MemoryObject } from './memory-object.js';
import { PAGE_LOST } from './page-state.js';
import { checkRangeOptions, type RangeOptions } from './range-options.js';
import { retryUnsaved } from './release.js';
import type { SpaceState } from './state.js';

/**
 * Writes what changed in the shared file regions of a page range back to their sources, and has these keep it; returns how many pages.
 * @throws MirrorError `DEVICE_LOST`, when all others are written, where pages existed only on a device that was lost
 */
export async function syncRange(space: SpaceState, start: number, end: number, options: RangeOptions): Promise<number> {
  checkRangeOptions(options);
  throwIfAborted(options.signal);
  space.checkMapped(start, end);
  await retryUnsaved(space);
  let written = 0;
  const lost: ByteRange[] = [];
  const objects = new Set<MemoryObject>();
  const limits = { timeoutMs: space.timeoutMs, signal: options.signal };
  for (const region of space.regions.overlapping(start, end)) {
    if (!region.shared || region.object === undefined) continue;
    throwIfAborted(options.signal);
    const from = Math.max(start, region.start);
    const to = Math.min(end, region.end);
    const count = space.pageOf(to - from);
    const first = region.objectPage + space.pageOf(from - region.start);
    objects.add(region.object);
    written += await region.object.writeBack(first, count, limits);
    for (const index of lostPages(space, region.object, first, count)) {
      const at = from + (index - first) * space.pageSize;
      lost.push({ start: at, end: at + space.pageSize });
    }
    options.onProgress?.(space.pageOf(to - start), space.pageOf(end - start));
  }
  for (const object of objects) await object.flush(limits);
  if (lost.length > 0) throw notWritten(lost);
  return written;
}

function lostPages({ store }: SpaceState, object: MemoryObject, first: number, count: number): number[] {
  if (!object.inFile) return [];
  return object.cached(first, first + count).filter((index) => {
    const page = object.lookup(index);
    return page >= 0 && store.any(page, PAGE_LOST);
  });
}

function notWritten(ranges: readonly ByteRange[]): MirrorError {
  const [{ start: address }] = ranges as [ByteRange];
  return new MirrorError(
    'DEVICE_LOST',
    `${ranges.length} pages from ${hex(address)} on existed only on a device that was lost, and are not in their files; all others are. Write them whole and sync again`,
    { address, ranges },
  );
}
