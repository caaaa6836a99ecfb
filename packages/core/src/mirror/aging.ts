import { PAGE_ACCESSED } from '../space/index.js';
import { harvestPages, sample } from './harvest.js';
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
  /** Frames looked at for each one given up, or filled ahead. */
  private readonly sampling: number;
  /** Pages that went, or came ahead, for which frames were looked at. */
  private sampled = 0;
  private readonly samples: Uint32Array;
  /** The next frame to look at, where the policy does not say which. */
  private hand = 0;

  /**
   * @param share evictions between two passes, as a share of the device's frames; 0 for no passes
   * @param sampling frames looked at for each one given up; 0 for none
   */
  constructor(pool: PoolState, share: number, sampling: number) {
    this.pool = pool;
    const able = pool.device.features.has('accessed-bits');
    this.interval = able && share > 0 ? Math.max(1, Math.ceil(share * pool.frames.capacity)) : 0;
    this.next = this.interval === 0 ? Infinity : this.interval;
    this.sampling = able ? sampling : 0;
    this.samples = new Uint32Array(this.sampling > 0 ? FRAMES_A_TURN : 0);
  }

  /** Looks at the frames that are to go next, or that were filled ahead. Synchronous up to the submission. */
  private look(): void {
    const { pool, samples } = this;
    const { frames } = pool;
    const most = Math.min(samples.length, pool.device.limits.pagesPerCommand, frames.made);
    const count = Math.min(most, Math.ceil((this.moved - this.sampled) * this.sampling));
    this.sampled = this.moved;
    const found = frames.policy.candidates?.(samples, count) ?? this.inTurn(count);
    if (found > 0) sample(pool, samples, found);
  }

  private get moved(): number {
    return this.pool.evictions + this.pool.broughtAhead;
  }

  private inTurn(count: number): number {
    for (let i = 0; i < count; i++) {
      if (this.hand >= this.pool.frames.made) this.hand = 0;
      this.samples[i] = this.hand++;
    }
    return count;
  }

  /** Begins a pass if one is due. Synchronous. */
  tick(): void {
    if (this.sampling > 0 && this.moved > this.sampled) this.look();
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
