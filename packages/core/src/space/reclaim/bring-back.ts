import type { SourceLimits } from '../source.js';
import type { SpaceState } from '../state.js';
import { mayLeave } from './page-out.js';
import type { KeptPages } from './swap-in.js';
import { slotOf } from './swap-table.js';

/** The slot of the swap store that has what a page number of a space shows; or -1 if host memory or nothing has. */
export function slotAt(space: SpaceState, pageNumber: number): number {
  const found = space.store.lookup(space.base + pageNumber);
  if (found !== -1) return found < -1 ? slotOf(found) : -1;
  const region = space.regions.at(pageNumber * space.pageSize);
  const cached = region?.object?.lookup(region.objectPage + pageNumber - space.pageOf(region.start)) ?? -1;
  return cached < -1 ? slotOf(cached) : -1;
}

/** Brings the swapped pages of a range of page numbers back. @throws MirrorError as {@link Reclaimer.bring} */
export async function bringBack(
  space: SpaceState,
  from: number,
  to: number,
  limits: SourceLimits,
  kept?: KeptPages,
): Promise<void> {
  const slots = new Set<number>();
  for (let page = from; page < to; page++) {
    const slot = slotAt(space, page);
    if (slot >= 0) slots.add(slot);
  }
  if (slots.size > 0) await space.host.reclaimer!.bring([...slots], limits, kept);
}

/** Keeps the pages of a range of page numbers that are in host memory where they are: those that could be reclaimed. */
export function keepThere({ store, base }: SpaceState, from: number, count: number, kept: KeptPages): void {
  for (let number = from; number < from + count; number++) {
    const page = store.lookup(base + number);
    if (page < 0 || !mayLeave(store, page)) continue;
    store.lock(page);
    kept.add(page);
  }
}

/** How many of a range of page numbers nobody has touched. */
export function untouched(space: SpaceState, from: number, count: number): number {
  let found = 0;
  for (let page = from; page < from + count; page++) if (space.store.lookup(space.base + page) === -1) found++;
  return found;
}
