import { isOutOfMemory } from './out-of-memory.js';
import { PAGE_LOCKED } from './page-state.js';
import { recallPages } from './recall.js';
import { breakCopyOnWrite } from './resolve.js';
import { allows, type SpaceState } from './state.js';

/**
 * Brings the page behind a page number home from the device that owns it and gives the page number its private copy, for a write that
 * `NEEDS_HOME`. The page is locked until then: a device that writes it all the time would own it again before it is copied.
 * Resolves to the copy, locked; or -1 where another look has to tell what the write needs now.
 * @throws MirrorError `DEVICE_LOST`, `DEVICE_TIMEOUT`, `OUT_OF_HOST_MEMORY` where nothing can be reclaimed; or what a notifier throws
 */
export async function copyHome(space: SpaceState, pageNumber: number): Promise<number> {
  const { store } = space;
  const key = space.base + pageNumber;
  const page = store.lookup(key);
  if (page < 0 || store.any(page, PAGE_LOCKED)) return -1;
  store.lock(page);
  try {
    await recallPages(store, Uint32Array.of(page), 1, 'clean');
    const region = space.regions.at(pageNumber * space.pageSize);
    const isWanted = region !== undefined && !region.shared && allows(region.access, true);
    if (!isWanted || store.lookup(key) !== page || !store.isShared(page)) return -1;
    const copy = breakCopyOnWrite(space, key, page, true);
    if (copy < 0) return -1;
    store.lock(copy);
    return copy;
  } catch (error) {
    if (store.pressure !== undefined && isOutOfMemory(error)) return -1;
    throw error;
  } finally {
    store.unlock(page);
    store.announce();
  }
}
