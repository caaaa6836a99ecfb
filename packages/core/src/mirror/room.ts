import { depart } from './departure.js';
import { losePage } from './loss.js';
import type { PoolState } from './pool-state.js';

/** Pages that were chosen to leave, and the residencies they belong to. */
export interface Victims {
  readonly pages: Uint32Array;
  readonly owners: Uint8Array;
}

/** The frames that a round can use: free ones, and those of victims. Reused between rounds. */
export class Room {
  private victims = new Uint32Array(256);
  private count = 0;
  private used = 0;
  private pages = new Uint32Array(256);
  private owners = new Uint8Array(256);
  /** Frames filled and touched in this round, for the policy. */
  private filled = new Uint32Array(256);
  private filledCount = 0;
  private hit = new Uint32Array(256);
  private hitCount = 0;
  private readonly pool: PoolState;

  constructor(pool: PoolState) {
    this.pool = pool;
  }

  /** Frames that can still be given to pages. */
  get left(): number {
    return this.pool.frames.free + this.count - this.used;
  }

  /** Makes room for `needed` pages as far as possible: chooses victims, locks them and collects their departure. */
  make(needed: number): void {
    const { frames, residencies, mirrors } = this.pool;
    this.count = 0;
    this.used = 0;
    const missing = needed - frames.free;
    if (missing <= 0) return;
    if (missing > this.victims.length) this.grow(missing);
    this.count = frames.policy.victims(this.victims, missing, frames.blocked);
    for (let i = 0; i < this.count; i++) {
      const frame = this.victims[i]!;
      this.pages[i] = frames.pageOf[frame]!;
      this.owners[i] = frames.owner(frame);
    }
    // Almost always: what is known of the victims then lies in arrays of one host memory.
    if (residencies.length === 1) {
      residencies[0]!.readAhead(this.pages, this.count);
      residencies[0]!.store.readAhead(this.pages, this.count);
    }
    for (let i = 0; i < this.count; i++) {
      const residency = residencies[this.owners[i]!]!;
      residency.lockIn(this.victims[i]!, this.pages[i]!);
      depart(this.pool, residency, this.pages[i]!, 'revoke');
    }
    this.pool.evictions += this.count;
    if (this.count > 0) mirrors[0]!.stats.evictions += this.count;
  }

  /** The victims of this round. */
  chosen(): Victims {
    return { pages: this.pages.slice(0, this.count), owners: this.owners.slice(0, this.count) };
  }

  /** A frame for a page: a free one or a victim's. There must be one left. */
  take(page: number, owner: number): number {
    const { frames } = this.pool;
    let frame: number;
    if (frames.free > 0) frame = frames.take(page, owner);
    else {
      frame = this.victims[this.used++]!;
      frames.assign(frame, page, owner);
    }
    if (this.filledCount === this.filled.length) this.filled = doubled(this.filled);
    this.filled[this.filledCount++] = frame;
    return frame;
  }

  /** Notes an access to a frame that holds its page already. */
  touched(frame: number): void {
    if (this.hitCount === this.hit.length) this.hit = doubled(this.hit);
    this.hit[this.hitCount++] = frame;
  }

  /** Tells the policy what was filled and touched. */
  track(): void {
    const { policy } = this.pool.frames;
    if (this.hitCount > 0) policy.touch(this.hit, this.hitCount);
    if (this.filledCount > 0) policy.insert(this.filled, this.filledCount);
    this.hitCount = 0;
    this.filledCount = 0;
  }

  /** Takes note that victims have left. */
  vacate(victims: Victims): void {
    for (let i = 0; i < victims.pages.length; i++) {
      const residency = this.pool.residencies[victims.owners[i]!]!;
      residency.leaveAndUnlock(victims.pages[i]!);
    }
  }

  /** Takes note that victims were lost on their way out. */
  abandon(victims: Victims): void {
    for (let i = 0; i < victims.pages.length; i++) {
      const residency = this.pool.residencies[victims.owners[i]!]!;
      losePage(this.pool, residency, victims.pages[i]!);
      residency.store.unlock(victims.pages[i]!);
    }
  }

  private grow(needed: number): void {
    const capacity = Math.max(needed, this.victims.length * 2);
    this.victims = new Uint32Array(capacity);
    this.pages = new Uint32Array(capacity);
    this.owners = new Uint8Array(capacity);
  }
}

function doubled(from: Uint32Array): Uint32Array<ArrayBuffer> {
  const to = new Uint32Array(from.length * 2);
  to.set(from);
  return to;
}
