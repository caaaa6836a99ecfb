import { PAGE_OWNED } from '../space/index.js';
import type { MirrorState } from './mirror-state.js';
import type { PagingBatch } from './paging-batch.js';
import type { PoolState } from './pool-state.js';
import type { Residency } from './residency.js';

/** In the codes of claims: the device has a copy. */
export const HAD_COPY = 1;
/** In the codes of copies: the device has the page already, without the last plain stores. */
const REFRESHED = 1;

/** Collects the copies of pages that plain stores changed: they are sent before anything that comes later. */
export function collectRefreshes(pool: PoolState): void {
  for (const residency of pool.residencies) if (residency !== undefined) refreshAll(pool, residency);
}

function refreshAll(pool: PoolState, residency: Residency): void {
  const { stale } = residency;
  if (stale.length === 0) return;
  const mirror = pool.someMirror(residency);
  for (let i = 0; i < stale.length && mirror !== undefined; i++) {
    const page = stale.items[i]!;
    const frame = residency.frame(page);
    // Its frame may be another page's by now, whose content is on its way.
    if (frame < 0 || pool.frames.pageOf[frame] !== page || residency.store.any(page, PAGE_OWNED)) continue;
    pool.batchOf(mirror).copies.push(0, frame, page, REFRESHED);
    mirror.stats.pagesIn++;
    mirror.stats.bytesIn += pool.pageSize;
  }
  stale.clear();
}

/** Takes note that the device refused copies that were to be made anew: they still are. */
export function keepStale(parts: readonly { readonly mirror: MirrorState; readonly batch: PagingBatch }[]): void {
  for (const { mirror, batch } of parts) {
    const { hosts, codes, length } = batch.copies;
    for (let i = 0; i < length; i++) if (codes[i] === REFRESHED) mirror.residency.stale.push(hosts[i]!);
  }
}

/** The frames of pages that a batch brings, without those that the device has already. */
export function arrivingFrames({ copies }: PagingBatch): Set<number> {
  return new Set(copies.frames.subarray(0, copies.length).filter((_frame, i) => copies.codes[i] !== REFRESHED));
}

/**
 * Takes live pages that devices are about to own away from plain accesses, synchronously, before they are copied in. What a device has of them
 * already may lack the last plain stores: then it is copied again.
 */
export function claimLivePages(pool: PoolState): void {
  for (const residency of pool.residencies) {
    if (residency === undefined || residency.claims.length === 0) continue;
    const { claims, store } = residency;
    const live = store.live!;
    live.withhold(claims.hosts, claims.length);
    for (let i = 0; i < claims.length; i++) {
      if (claims.codes[i] !== HAD_COPY) continue;
      const frame = claims.frames[i]!;
      live.collectWithin(claims.hosts[i]!, 1, (page) => {
        store.noteStore(page);
        pool.batchOf(pool.someMirror(residency)!).copies.push(0, frame, page, REFRESHED);
      });
    }
    claims.clear();
  }
}
