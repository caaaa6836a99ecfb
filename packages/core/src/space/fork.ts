import { MirrorError } from '../driver/index.js';
import { PAGE_HELD_WRITE, PAGE_LOCKED, PAGE_LOST, PAGE_OWNED, PAGE_ZERO } from './page-state.js';
import { recallPages } from './recall.js';
import { Region, type RegionOwner } from './region.js';
import type { SpaceState } from './state.js';

const TIMEOUT_MS = 30_000;

/**
 * Fills `child` with the mappings of `parent`: private regions copy on write, shared ones stay shared. What devices own comes
 * home first; pages stay locked until all are there, so that the copy is of one moment even while devices write.
 */
export async function forkInto(parent: SpaceState, child: SpaceState, childOwner: RegionOwner): Promise<void> {
  const locked: number[] = [];
  try {
    for (;;) {
      parent.checkOpen();
      const away = ownedPages(parent);
      if (away === 'locked') {
        if (!(await parent.store.changed.wait(TIMEOUT_MS))) {
          throw new MirrorError('DEVICE_TIMEOUT', `fork waited ${TIMEOUT_MS} ms for a page that is being copied`);
        }
        continue;
      }
      if (away.length === 0) break;
      for (const page of away) parent.store.lock(page);
      locked.push(...away);
      await recallPages(parent.store, Uint32Array.from(away), away.length, 'clean');
    }
    for (const region of parent.regions.overlapping(0, parent.limit)) copyRegion(parent, child, childOwner, region);
    child.cursor = parent.cursor;
  } finally {
    for (const page of locked) parent.store.unlock(page);
    parent.store.announce();
  }
}

/** The private pages of a space that a device owns; or `locked` when one of them is in transit. */
function ownedPages(space: SpaceState): number[] | 'locked' {
  const { store } = space;
  const found: number[] = [];
  for (const region of space.regions.overlapping(0, space.limit)) {
    if (region.shared) continue;
    for (const key of keysIn(space, region)) {
      const page = store.lookup(key);
      if (page < 0 || !store.any(page, PAGE_OWNED)) continue;
      if (store.any(page, PAGE_LOCKED)) return 'locked';
      found.push(page);
    }
  }
  return found;
}

function keysIn(space: SpaceState, region: Region): number[] {
  const { store, base } = space;
  return store.keysWithin(base + space.pageOf(region.start), base + space.pageOf(region.end));
}

function copyRegion(parent: SpaceState, child: SpaceState, childOwner: RegionOwner, region: Region): void {
  const { store } = parent;
  region.object?.retain();
  child.regions.insert(
    new Region(childOwner, {
      start: region.start,
      end: region.end,
      access: region.access,
      shared: region.shared,
      object: region.object,
      objectPage: region.objectPage,
      name: region.name,
      // The other advice names mirrors, which the child does not have, or where pages are to be on them.
      advice: region.advice.mergeable === true ? { mergeable: true } : {},
    }),
  );
  for (const key of keysIn(parent, region)) {
    const page = store.lookup(key);
    // A page that the CPU writes just now would tear in the child: it gets its copy at once, as the kernel does for pinned pages.
    const tears = page >= 0 && !region.shared && store.any(page, PAGE_HELD_WRITE);
    const to = key - parent.base + child.base;
    if (tears) store.link(to, duplicate(parent, page));
    else store.copyEntry(key, to);
  }
  const first = parent.base + parent.pageOf(region.start);
  for (const key of store.written.within(first, first + parent.pageOf(region.end - region.start)))
    store.written.note(key - parent.base + child.base);
}

function duplicate(space: SpaceState, page: number): number {
  const { store } = space;
  const { host } = store;
  const copy = store.create();
  if (store.any(page, PAGE_ZERO)) return copy;
  const offset = host.offsetOf(page);
  host.bufferOf(copy).set(host.bufferOf(page).subarray(offset, offset + host.pageSize), host.offsetOf(copy));
  store.unmark(copy, PAGE_ZERO);
  store.mark(copy, store.stateOf(page) & PAGE_LOST);
  return copy;
}
