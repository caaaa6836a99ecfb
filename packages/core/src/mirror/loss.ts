import type { MirrorError } from '../driver/index.js';
import { PAGE_DEAD, PAGE_LOST, PAGE_OWNED } from '../space/index.js';
import type { PoolState } from './pool-state.js';
import { reportLost } from './reports.js';
import type { Residency } from './residency.js';

/**
 * Takes all frames of a lost device off the books. Pages that it owned existed nowhere else: they are marked lost, and every
 * mirror keeps the ranges at which it mapped them (R10). Pages of which it had a copy are unharmed.
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
    mirror.dirty.clear();
    mirror.deferred.clear();
  }
  for (const residency of pool.residencies) residency?.store.announce();
  // What was on its way out is counted when its submission ends.
  const mirrors = pool.mirrors.slice();
  void pool.idle().then(() => mirrors.forEach((mirror) => mirror.loss.settle(error)));
}

/** Accounts for a page that was on its way out of a device when that was lost. */
export function losePage(pool: PoolState, residency: Residency, page: number): void {
  const { store } = residency;
  if ((store.stateOf(page) & (PAGE_OWNED | PAGE_DEAD)) === PAGE_OWNED) loseContent(pool, residency.index, page);
  residency.leave(page);
  store.unlock(page);
}

function loseContent(pool: PoolState, index: number, page: number): void {
  const { store } = pool.residencies[index]!;
  store.mark(page, PAGE_LOST);
  for (let i = 0; i < store.mapCount(page); i++) {
    const key = store.mappingKey(page, i);
    for (const { space, loss } of pool.mirrors) {
      const pageNumber = key - space.base;
      if (space.store === store && pageNumber >= 0 && pageNumber < 2 ** 35)
        loss.add(pageNumber * space.pageSize, space.pageSize);
    }
  }
}
