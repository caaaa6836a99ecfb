import type { EvictionPolicy } from '@mirrorspace/core';

/** Accesses that the policy hears of at once; so many frames are made free before. */
const BATCH = 256;

/**
 * A policy alone over the page numbers themselves, for orders that do not depend on how many frames there are: FIFO, LRU, CLOCK, SIEVE, LFU. There are no
 * frames to look up, so an access costs what the policy costs. What is over is given up after each batch, so that the next one fits: at the end of a batch up to 256
 * frames less are in use than there is room for.
 */
export class DenseReplay {
  accesses = 0;
  misses = 0;
  private readonly policy: EvictionPolicy;
  private readonly room: number;
  private readonly flags: Uint8Array;
  private readonly out = new Uint32Array(BATCH);
  private readonly batch = new Uint32Array(BATCH);

  /**
   * @param policy for as many ids as there are pages
   * @param pages how many there are: all numbers are below
   * @throws RangeError when `room` is not above 256
   */
  constructor(policy: EvictionPolicy, pages: number, room: number) {
    if (!Number.isSafeInteger(room) || room <= BATCH) throw new RangeError(`room must be above ${BATCH}, got ${room}`);
    this.policy = policy;
    this.room = room;
    this.flags = new Uint8Array(pages);
  }

  /** Accesses `pages[from … to - 1]`, one after another. */
  access(pages: Uint32Array, from: number, to: number): void {
    const { policy, out, flags, batch } = this;
    for (let at = from; at < to; at += BATCH) {
      const count = Math.min(BATCH, to - at);
      for (let i = 0; i < count; i++) batch[i] = pages[at + i]!;
      const before = policy.size;
      policy.insert(batch, count);
      this.misses += policy.size - before;
      const over = policy.size - (this.room - BATCH);
      if (over > 0) policy.victims(out, over, flags);
    }
    this.accesses += to - from;
  }
}
