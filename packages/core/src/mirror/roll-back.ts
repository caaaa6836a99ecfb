import { CANCEL_OUT_OF_DEVICE_MEMORY } from '../driver/index.js';
import { arrivingFrames } from './live-stores.js';
import type { MirrorState } from './mirror-state.js';
import type { PagingBatch } from './paging-batch.js';
import type { PoolState } from './pool-state.js';

/**
 * Undoes arrivals that the device refused for want of memory: entries go, frames are free again, and the accesses that
 * waited for them fail. Nothing is lost: what was to arrive is still on the host. What it has already stays, but not as its own where it lacks plain stores.
 */
export function rollBack(pool: PoolState, mirror: MirrorState, failed: PagingBatch): void {
  const { maps } = failed;
  const { residency } = mirror;
  const arrived = arrivingFrames(failed);
  const stale = new Set(residency.stale.items.subarray(0, residency.stale.length));
  const undo = pool.batchOf(mirror);
  const { store } = mirror.space;
  const frames: number[] = [];
  for (let i = 0; i < maps.length; i++) {
    const page = maps.hosts[i]!;
    const frame = maps.frames[i]!;
    undo.drop.push(maps.pages[i]!, frame, page, 0);
    undo.cancels.push(maps.pages[i]!, 0, 0, CANCEL_OUT_OF_DEVICE_MEMORY);
    mirror.stats.cancelledFaults++;
    if (arrived.has(frame)) {
      residency.leave(page);
      frames.push(frame);
      continue;
    }
    residency.uninstall(page);
    if (stale.has(page)) residency.disown(page);
  }
  for (let i = 0; i < maps.length; i++) store.unlock(maps.hosts[i]!);
  void pool.send('fault', undefined, (_parts, away) => {
    if (away === undefined) for (const frame of frames) pool.frames.give(frame);
  });
}
