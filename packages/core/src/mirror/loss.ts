import type { MirrorError } from '../driver/index.js';
import { keysOf, PAGE_CACHED, PAGE_DEAD, PAGE_LOST, PAGE_OWNED, type SpaceState } from '../space/index.js';
import type { PoolState } from './pool-state.js';
import { reportLost } from './reports.js';
import type { Residency } from './residency.js';

/**
 * Takes all frames of a lost device off the books. Pages that it owned existed nowhere else: they are marked lost, and every
 * mirror keeps the ranges at which its space shows them (R10). Pages of which it had a copy are unharmed. Locked pages stay locked
 * until whoever locked them is done: a recall may be waiting for other devices, and what is unlocked twice may be somebody else's.
 */
export function loseDevice(pool: PoolState, error: MirrorError): void {
  const { frames } = pool;
  reportLost(pool, error);
  for (const residency of pool.residencies) {
    if (residency === undefined) continue;
    for (let frame = 0; frame < frames.made; frame++) {
      const page = frames.pageOf[frame]!;
      if (frames.owner(frame) !== residency.index || residency.frame(page) !== frame) continue;
      losePage(pool, residency, page);
    }
    residency.dead.length = 0;
  }
  for (const mirror of pool.mirrors) {
    mirror.loss.begun = true;
    mirror.dirty.clear();
    mirror.deferred.clear();
  }
  for (const residency of pool.residencies) residency?.store.announce();
  // What was on its way out is counted when its submission ends.
  const mirrors = pool.mirrors.slice();
  void pool.idle().then(() => mirrors.forEach((mirror) => mirror.loss.settle(error)));
}

/** Accounts for a page that was in a frame of a device, or on its way out of one, when that was lost. */
export function losePage(pool: PoolState, residency: Residency, page: number): void {
  const { store } = residency;
  if ((store.stateOf(page) & (PAGE_OWNED | PAGE_DEAD)) === PAGE_OWNED) loseContent(pool, residency.index, page);
  residency.leave(page);
}

function loseContent(pool: PoolState, index: number, page: number): void {
  const { store } = pool.residencies[index]!;
  store.mark(page, PAGE_LOST);
  for (const { space, loss } of pool.mirrors)
    if (space.store === store) for (const address of placesOf(space, page)) loss.add(address, space.pageSize);
}

/** Addresses at which a space shows a page: where an entry maps it, and where nobody has touched a region of its object yet. */
function placesOf(space: SpaceState, page: number): number[] {
  const { store, base, pageSize, limit } = space;
  const places = keysOf(store, page)
    .map((key) => (key - base) * pageSize)
    .filter((address) => address >= 0 && address < limit);
  if (!store.any(page, PAGE_CACHED)) return places;
  const cache = store.homes.cacheOf(page);
  const at = store.homes.indexOf(page);
  for (const { object, objectPage, start, end } of space.regions.overlapping(0, limit)) {
    const address = start + (at - objectPage) * pageSize;
    if (object === cache && start <= address && address < end && store.lookup(base + address / pageSize) === -1)
      places.push(address);
  }
  return places;
}
