import type { SpaceState } from './state.js';

/** Writes what changed in the shared file regions of a page range back to their sources; returns how many pages. */
export async function syncRange(space: SpaceState, start: number, end: number): Promise<number> {
  space.checkMapped(start, end);
  let written = 0;
  for (const region of space.regions.overlapping(start, end)) {
    if (!region.shared || region.object === undefined) continue;
    const from = Math.max(start, region.start);
    const count = space.pageOf(Math.min(end, region.end) - from);
    written += await region.object.writeBack(region.objectPage + space.pageOf(from - region.start), count);
  }
  return written;
}
