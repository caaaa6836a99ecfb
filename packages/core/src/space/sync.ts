import { throwIfAborted } from './abort.js';
import { checkRangeOptions, type RangeOptions } from './range-options.js';
import { retryUnsaved } from './release.js';
import type { SpaceState } from './state.js';

/** Writes what changed in the shared file regions of a page range back to their sources; returns how many pages. */
export async function syncRange(space: SpaceState, start: number, end: number, options: RangeOptions): Promise<number> {
  checkRangeOptions(options);
  throwIfAborted(options.signal);
  space.checkMapped(start, end);
  await retryUnsaved(space);
  let written = 0;
  for (const region of space.regions.overlapping(start, end)) {
    if (!region.shared || region.object === undefined) continue;
    throwIfAborted(options.signal);
    const from = Math.max(start, region.start);
    const to = Math.min(end, region.end);
    const count = space.pageOf(to - from);
    written += await region.object.writeBack(region.objectPage + space.pageOf(from - region.start), count, {
      timeoutMs: space.timeoutMs,
      signal: options.signal,
    });
    options.onProgress?.(space.pageOf(to - start), space.pageOf(end - start));
  }
  return written;
}
