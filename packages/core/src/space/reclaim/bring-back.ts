import type { Region } from '../region.js';
import type { SourceLimits } from '../source.js';
import type { SpaceState } from '../state.js';
import { PAGE_DEAD, PAGE_HELD, PAGE_LOCKED } from '../page-state.js';
import type { PageStore } from '../page-store.js';
import type { KeptPages } from './swap-in.js';
import { slotOf } from './swap-table.js';

/** Pages that need no keeping: nobody takes them away, or somebody else's lock ends. */
const STAYS = PAGE_LOCKED | PAGE_HELD | PAGE_DEAD;

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

/** The pages behind a range of page numbers of a region: those that are mapped there, and those of its object that are not mapped yet. */
export function knownPages(space: SpaceState, region: Region, from: number, to: number): number[] {
  const { store, base } = space;
  const pages = store.pagesWithin(base + from, base + to);
  const { object } = region;
  if (object === undefined) return pages;
  const ahead = region.objectPage - space.pageOf(region.start);
  for (const index of object.cached(from + ahead, to + ahead)) {
    const cached = object.lookup(index);
    if (cached >= 0 && store.lookup(base + index - ahead) === -1) pages.push(cached);
  }
  return pages;
}

/**
 * Keeps pages where they are, in host memory and on devices, while room is made for others; but not those that somebody has locked
 * or holds, nor those on devices other than `devices`, a bit each.
 */
export function keepPages(store: PageStore, pages: readonly number[], kept: KeptPages, devices: number): void {
  for (const page of pages) {
    if (store.any(page, STAYS) || (store.devicesOf(page) & ~devices) !== 0) continue;
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
