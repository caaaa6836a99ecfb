import { PAGE_ACCESSED } from '../space/index.js';
import { harvestPages } from './harvest.js';
import type { PoolState } from './pool-state.js';

/** Frames looked at in one turn. */
const FRAMES_A_TURN = 1024;

/**
 * Tells a device's eviction policy what the device accessed: after so many evictions it harvests the accessed bits of all that is
 * resident. Without, a policy learns of faults only, and what is resident does not fault. One pass at a time, through the queue,
 * and nothing waits for it.
 */
export class Aging {
  private readonly pool: PoolState;
  /** Evictions between two passes; 0 for no passes. */
  private readonly interval: number;
  private next: number;
  private running = false;

  /** @param share evictions between two passes, as a share of the device's frames; 0 for no passes */
  constructor(pool: PoolState, share: number) {
    this.pool = pool;
    const able = pool.device.features.has('accessed-bits');
    this.interval = able && share > 0 ? Math.max(1, Math.ceil(share * pool.frames.capacity)) : 0;
    this.next = this.interval === 0 ? Infinity : this.interval;
  }

  /** Begins a pass if one is due. Synchronous. */
  tick(): void {
    if (this.pool.evictions < this.next || this.running) return;
    this.running = true;
    this.next = this.pool.evictions + this.interval;
    // A device that is lost, or hangs, tells its mirrors by itself.
    void this.pass()
      .catch(() => undefined)
      .finally(() => (this.running = false));
  }

  private async pass(): Promise<void> {
    const { pool } = this;
    const { frames, residencies } = pool;
    for (let from = 0; from < frames.made && pool.lostError === undefined; from += FRAMES_A_TURN) {
      for (const residency of residencies.slice()) {
        if (residency === undefined) continue;
        const pages: number[] = [];
        for (let frame = from; frame < Math.min(frames.made, from + FRAMES_A_TURN); frame++) {
          const page = frames.pageOf[frame]!;
          if (residency.frame(page) === frame && frames.owner(frame) === residency.index) pages.push(page);
        }
        // What is accessed from now on, or was since the last harvest, sets it again.
        for (const page of pages) residency.store.unmark(page, PAGE_ACCESSED);
        if (pages.length > 0) await harvestPages(pool, residency, Uint32Array.from(pages));
      }
    }
  }
}
