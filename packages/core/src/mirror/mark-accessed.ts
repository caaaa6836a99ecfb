import { IdList } from '../address/index.js';
import { PAGE_ACCESSED } from '../space/index.js';
import type { MirrorState } from './mirror-state.js';
import type { PoolState } from './pool-state.js';

/** Used by one call at a time. */
const frames = new IdList();

/**
 * Counts the pages of a byte range as accessed just now: on the list of the device for those that it holds, and on the lists by
 * which host memory is reclaimed. Synchronous; allocates nothing in steady state (R4). Returns how many the device holds.
 */
export function markAccessedRange(pool: PoolState, mirror: MirrorState, start: number, end: number): number {
  const { space, residency } = mirror;
  const { store, base, marks } = space;
  marks.clear();
  frames.clear();
  store.table.collect(base + space.pageOf(start), base + space.pageOf(end), marks);
  for (let i = 0; i < marks.length; i++) {
    const page = (store.table.entry(marks.items[i]!) | 0) - 1;
    if (page < 0) continue;
    const frame = residency.frame(page);
    if (frame >= 0) frames.push(frame);
    store.mark(page, PAGE_ACCESSED);
    store.lists?.touch(page);
  }
  if (frames.length > 0) pool.frames.policy.touch(frames.items, frames.length);
  return frames.length;
}
