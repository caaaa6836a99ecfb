import { knownPages, PAGE_LOCKED } from '../space/index.js';
import type { DevicePool } from './device-pool.js';
import { BLOCK_PINNED } from './frame-table.js';
import type { MirrorState } from './mirror-state.js';
import { bringRange, within } from './range-work.js';

/**
 * Brings the pages of a byte range and keeps them from eviction, all of them or none. Resolves to whether they are there. Those that were there at
 * first may leave while others are read: they are brought in another try, as long as each has more of them than the one before.
 */
export async function pinRange(pool: DevicePool, mirror: MirrorState, start: number, end: number): Promise<boolean> {
  const { store } = mirror.space;
  const pages = mirror.space.pageOf(end - start);
  let before = -1;
  for (;;) {
    await bringRange(pool, mirror, start, end, false, {}, pages);
    let there = -1;
    // What is in transit may be on its way home.
    const pin = () => {
      if (pagesOf(mirror, start, end).some((page) => store.any(page, PAGE_LOCKED))) return false;
      there = setPinned(pool, mirror, start, end, true);
      return true;
    };
    await store.changed.until(pin, pool.state.timeoutMs);
    if (there === pages) return true;
    if (there <= before) break;
    before = there;
  }
  setPinned(pool, mirror, start, end, false);
  return false;
}

/**
 * Keeps the resident pages of a byte range from eviction, or lets them go. Returns how many of its pages are resident: whether
 * the device has an entry for them here does not matter, since their content needs no bringing.
 */
export function setPinned(pool: DevicePool, mirror: MirrorState, start: number, end: number, pinned: boolean): number {
  let resident = 0;
  for (const page of pagesOf(mirror, start, end)) {
    const frame = mirror.residency.frame(page);
    if (frame < 0) continue;
    resident++;
    if (pinned) pool.frames.flags[frame]! |= BLOCK_PINNED;
    else pool.frames.flags[frame]! &= ~BLOCK_PINNED;
  }
  return resident;
}

/** The pages behind a byte range: of each page number its own, so one that is mapped twice comes twice. */
function pagesOf({ space }: MirrorState, start: number, end: number): number[] {
  return space.regions.overlapping(start, end).flatMap((region) => {
    const part = within(space, region, space.pageOf(start), space.pageOf(end));
    return knownPages(space, region, part.start, part.end);
  });
}
