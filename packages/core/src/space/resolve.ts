import { PAGE_LOCKED, PAGE_LOST, PAGE_OWNED, PAGE_ZERO } from './page-state.js';
import type { Region } from './region.js';
import type { SpaceState } from './state.js';

/** The page must first be read from its source. */
export const NEEDS_SOURCE = -1;
/** The page must first come home from the device that owns it, because a private copy of it is to be made. */
export const NEEDS_HOME = -2;
/** The page must first come back from the swap store. */
export const NEEDS_SWAP = -4;
/** The page lies behind the end of its source, which was truncated. */
export const BEHIND_END = -5;
/** A notifier that was told that a private copy is to be made changed what was to be copied: look again at once. */
export const CHANGED = -6;
/** The page is locked, and is not mapped here yet or a private copy of it is to be made: wait for the unlock. */
export const NEEDS_UNLOCK = -3;

/**
 * Finds the page behind a page number of a region for an access, making and mapping it where that needs no waiting: a page of
 * zeros for untouched anonymous memory, a cached page of the region's object, a private copy for a write to a shared one.
 * `present` is what the page maps already, or -1. Returns the page, or a negative `NEEDS_*` code. Rights are the caller's business.
 * @throws MirrorError `OUT_OF_HOST_MEMORY`, or what a notifier throws; nothing is changed then
 */
export function resolve(
  space: SpaceState,
  region: Region,
  pageNumber: number,
  write: boolean,
  present = space.store.lookup(space.base + pageNumber),
): number {
  const { store } = space;
  const key = space.base + pageNumber;
  let page = present;
  if (page < 0) {
    if (page < -1) return NEEDS_SWAP;
    page = find(space, region, pageNumber);
    if (page < 0) return page;
    // Still being read from its source; if that fails, the page must not be found mapped.
    if (store.any(page, PAGE_LOCKED)) return NEEDS_UNLOCK;
    store.link(key, page);
  }
  return write && !region.shared && store.isShared(page) ? breakCopyOnWrite(space, key, page) : page;
}

function find(space: SpaceState, region: Region, pageNumber: number): number {
  const object = region.object;
  if (object === undefined) return space.store.create();
  const index = region.objectPage + pageNumber - space.pageOf(region.start);
  const cached = object.lookup(index);
  if (cached >= 0) return cached;
  if (cached < -1) return NEEDS_SWAP;
  if (!object.reaches(index)) return BEHIND_END;
  return object.source === undefined ? object.create(index) : NEEDS_SOURCE;
}

/**
 * Gives `key` a page of its own with the same content as `page`, which the caller has locked if `locked`. Devices that map the old page
 * there are told (`clear`). Returns the page, or a `NEEDS_*` code. @throws as {@link resolve}
 */
export function breakCopyOnWrite(space: SpaceState, key: number, page: number, locked = false): number {
  const { store } = space;
  if (!locked && store.any(page, PAGE_LOCKED)) return NEEDS_UNLOCK;
  if (store.any(page, PAGE_OWNED)) return NEEDS_HOME;
  const copy = store.create();
  const address = (key - space.base) * space.pageSize;
  let replaced = false;
  try {
    space.notifiers.begin('clear', address, address + space.pageSize);
    try {
      // Whoever was told may have changed anything.
      const taken = store.any(page, locked ? PAGE_OWNED : PAGE_LOCKED | PAGE_OWNED);
      if (taken || store.lookup(key) !== page) return CHANGED;
      store.mark(copy, store.stateOf(page) & PAGE_LOST);
      if (!store.any(page, PAGE_ZERO)) copyPage(space, page, copy);
      store.unlink(key, page);
      store.link(key, copy);
      replaced = true;
    } finally {
      space.notifiers.end();
    }
  } finally {
    if (!replaced) store.withdraw(copy);
  }
  return copy;
}

function copyPage(space: SpaceState, from: number, to: number): void {
  const { store } = space;
  const { host } = store;
  const offset = host.offsetOf(from);
  const source = host.bufferOf(from).subarray(offset, offset + host.pageSize);
  host.bufferOf(to).set(source, host.offsetOf(to));
  store.unmark(to, PAGE_ZERO);
}
