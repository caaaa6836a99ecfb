import { CANCEL_OUT_OF_DEVICE_MEMORY } from '../driver/index.js';
import type { MirrorState } from './mirror-state.js';
import type { PagingBatch } from './paging-batch.js';
import type { PoolState } from './pool-state.js';

/**
 * Undoes arrivals that the device refused for want of memory: entries go, frames are free again, and the accesses that
 * waited for them fail. Nothing is lost: what was to arrive is still on the host.
 */
export function rollBack(pool: PoolState, mirror: MirrorState, failed: PagingBatch): void {
  const { maps, copies } = failed;
  const arrived = new Set(copies.frames.subarray(0, copies.length));
  const undo = pool.batchOf(mirror);
  const { store } = mirror.space;
  const frames: number[] = [];
  for (let i = 0; i < maps.length; i++) {
    const page = maps.hosts[i]!;
    const frame = maps.frames[i]!;
    undo.drop.push(maps.pages[i]!, frame, page, 0);
    undo.cancels.push(maps.pages[i]!, 0, 0, CANCEL_OUT_OF_DEVICE_MEMORY);
    mirror.stats.cancelledFaults++;
    if (!arrived.has(frame)) continue;
    mirror.residency.leave(page);
    frames.push(frame);
  }
  for (let i = 0; i < maps.length; i++) store.unlock(maps.hosts[i]!);
  void pool.send('fault', undefined, (_parts, away) => {
    if (away === undefined) for (const frame of frames) pool.frames.give(frame);
  });
}
