import { collectRefreshes } from './live-stores.js';
import type { PoolState } from './pool-state.js';
import type { Residency } from './residency.js';
import { settleDepartures } from './departure.js';
import { reportFlush } from './reports.js';

/** Dead pages whose frames a flush frees. */
export interface Garbage {
  readonly residency: Residency;
  readonly pages: readonly number[];
}

/** Collects what invalidations left behind: entries to remove, and frames of dead pages to free afterwards. */
export function collectGarbage(pool: PoolState): Garbage[] {
  pool.turn.end();
  collectRefreshes(pool);
  for (const mirror of pool.mirrors) {
    const { dirty, stats } = mirror;
    if (dirty.length === 0) continue;
    const { drop } = pool.batchOf(mirror);
    for (let i = 0; i < dirty.length; i++) drop.push(dirty.pages[i]!, 0, dirty.contents[i]!, 0);
    stats.invalidated += dirty.length;
    stats.flushes++;
    dirty.clear();
  }
  const garbage: Garbage[] = [];
  for (const residency of pool.residencies) {
    if (residency !== undefined && residency.dead.length > 0)
      garbage.push({ residency, pages: residency.dead.splice(0) });
  }
  return garbage;
}

/** Frees the frames of dead pages; their entries are gone from the device. */
export function freeGarbage(pool: PoolState, garbage: readonly Garbage[]): void {
  for (const { residency, pages } of garbage) {
    for (const page of pages) {
      const frame = residency.frame(page);
      if (frame < 0) continue;
      residency.leave(page);
      pool.frames.give(frame);
    }
    residency.store.live?.giveBack();
  }
}

/** Sends pending invalidations as one submission; resolves when they are true on the device. */
export function flushPool(pool: PoolState): Promise<void> | undefined {
  const garbage = collectGarbage(pool);
  const since = pool.device.now();
  return pool.send('flush', undefined, (parts, away, incoming, queue) => {
    // A copy that was not made anew would be stale.
    if (incoming !== undefined) pool.lose(incoming);
    if (away !== undefined) return;
    for (const { mirror, batch } of parts) {
      settleDepartures(mirror, batch);
      reportFlush(pool, mirror, queue, batch.drop.length, since);
    }
    freeGarbage(pool, garbage);
  });
}
