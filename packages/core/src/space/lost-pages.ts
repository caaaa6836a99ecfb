import { changeEntries, changeRanges, keysOf, mapsStill } from './entries.js';
import { PAGE_CACHED, PAGE_HELD, PAGE_LOCKED, PAGE_LOST } from './page-state.js';
import type { PageStore } from './page-store.js';
import type { SpaceState } from './state.js';
import { zap } from './unmap.js';

/** The lost page that a space shows at an address; -1 where what it shows is not lost. */
export function lostPageAt(space: SpaceState, address: number): number {
  const { store, base } = space;
  let page = store.lookup(base + space.pageOf(address));
  if (page === -1) {
    const region = space.regions.at(address);
    page = region?.object?.lookup(region.objectPage + space.pageOf(address - region.start)) ?? -1;
  }
  return page >= 0 && store.any(page, PAGE_LOST) ? page : -1;
}

/**
 * Gives up the contents of the lost page at an address, if there is one and nobody is about to write it: private memory becomes zeros
 * or what its file has, a page of a shared object what its source has, in every space that shows it. Synchronous.
 * @throws what a notifier throws; the page stays lost then
 */
export function discardLost(space: SpaceState, address: number): void {
  const { store } = space;
  const page = lostPageAt(space, address);
  if (page < 0 || !isIdle(store, page)) return;
  if (!store.any(page, PAGE_CACHED)) {
    const range = { start: address, end: address + space.pageSize };
    changeRanges(space.notifiers, 'clear', [range], () => {
      if (lostPageAt(space, address) === page && isIdle(store, page)) zap(space, range.start, range.end);
    });
    return;
  }
  const keys = keysOf(store, page);
  changeEntries(store, keys, 'clear', () => {
    // Whoever was told may have done anything to the page.
    const same = store.any(page, PAGE_LOST) && store.any(page, PAGE_CACHED) && mapsStill(store, page, keys);
    if (!same || !isIdle(store, page)) return;
    for (const key of keys) store.unlink(key, page);
    store.homes.cacheOf(page).evict(store.homes.indexOf(page));
  });
}

function isIdle(store: PageStore, page: number): boolean {
  return !store.any(page, PAGE_LOCKED | PAGE_HELD);
}
