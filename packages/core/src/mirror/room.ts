import { FRAME_BLOCKED } from '../policy/index.js';
import { depart } from './departure.js';
import { losePage } from './loss.js';
import type { PoolState } from './pool-state.js';
import { countReason, type MirrorStats } from './stats.js';

/** Pages that were chosen to leave, and the residencies they belong to. */
export interface Victims {
  readonly pages: Uint32Array;
  readonly owners: Uint8Array;
  /** Their frames that nobody took: a policy may give up more than was asked for. */
  readonly spare: Uint32Array;
}

/** The frames that a round can use: free ones, and those of victims. Reused between rounds. */
export class Room {
  private victims = new Uint32Array(256);
  private count = 0;
  private used = 0;
  private pages = new Uint32Array(256);
  private owners = new Uint8Array(256);
  private why = new Uint8Array(256);
  /** Frames filled and touched in this round, for the policy. */
  private filled = new Uint32Array(256);
  /** The keys of the pages in them. */
  private filledKeys = new Float64Array(256);
  /** 1 where nobody asked for them. */
  private filledAhead = new Uint8Array(256);
  private filledCount = 0;
  private hit = new Uint32Array(256);
  private hitCount = 0;
  /** Keys of the pages that need room. */
  private coming = new Float64Array(256);
  /** Frames that are not for what is brought ahead: faults of other mirrors are to get them. */
  reserve = 0;
  private readonly pool: PoolState;

  constructor(pool: PoolState) {
    this.pool = pool;
  }

  /** Frames that can still be given to pages. */
  get left(): number {
    return this.pool.frames.free + this.count - this.used;
  }

  /** Where the keys of up to `most` pages go that need room; those that are there already stay. */
  expect(most: number): Float64Array {
    if (most > this.coming.length) {
      const coming = new Float64Array(Math.max(most, this.coming.length * 2));
      coming.set(this.coming);
      this.coming = coming;
    }
    return this.coming;
  }

  /** Makes room for the `needed` pages that are expected, as far as possible: chooses victims, locks them and collects their departure. */
  make(needed: number): void {
    const { frames, residencies, mirrors } = this.pool;
    this.count = 0;
    this.used = 0;
    const missing = needed - frames.free;
    if (missing <= 0) return;
    const most = missing + (frames.policy.overshoot ?? 0);
    if (most > this.victims.length) this.grow(most);
    // The first ones get the frames that are free.
    const coming = this.coming.subarray(frames.free, needed);
    const chosen = frames.policy.victims(this.victims, missing, frames.flags, coming, this.why);
    const count = Math.min(chosen, this.victims.length);
    for (let i = 0; i < count; i++) {
      const frame = this.victims[i]!;
      this.pages[i] = frames.pageOf[frame]!;
      this.owners[i] = frames.owner(frame);
    }
    // Almost always: what is known of the victims then lies in arrays of one host memory.
    if (residencies.length === 1) {
      residencies[0]!.readAhead(this.pages, count);
      residencies[0]!.store.readAhead(this.pages, count);
    }
    for (let i = 0; i < count; i++) this.takeOut(i);
    this.pool.evictions += this.count;
    if (this.count > 0) this.countEvictions(mirrors[0]!.stats);
  }

  /**
   * Locks what a policy chose and collects its departure. A policy may be wrong, and loses no data by it: what is blocked, or no frame that holds a page, or was chosen
   * before, is passed over.
   */
  private takeOut(i: number): void {
    const { frames, residencies } = this.pool;
    const frame = this.victims[i]!;
    const page = this.pages[i]!;
    const residency = residencies[this.owners[i]!];
    if (residency?.frame(page) !== frame || (frames.flags[frame]! & FRAME_BLOCKED) !== 0) return;
    const to = this.count++;
    this.victims[to] = frame;
    this.pages[to] = page;
    this.owners[to] = this.owners[i]!;
    this.why[to] = this.why[i]!;
    residency.lockIn(frame, page);
    depart(this.pool, residency, page, 'revoke');
  }

  /** The victims of this round, which the caller answers for from now on. */
  chosen(): Victims {
    const { count, used } = this;
    this.count = 0;
    this.used = 0;
    return {
      pages: this.pages.slice(0, count),
      owners: this.owners.slice(0, count),
      spare: this.victims.slice(used, count),
    };
  }

  /** A frame for a page, which the policy knows by its key: a free one or a victim's. There must be one left. */
  take(page: number, owner: number, key: number, ahead: number): number {
    const { frames } = this.pool;
    let frame: number;
    if (frames.free > 0) frame = frames.take(page, owner);
    else {
      frame = this.victims[this.used++]!;
      frames.assign(frame, page, owner);
    }
    if (this.filledCount === this.filled.length) this.growFilled();
    frames.ahead[frame] = ahead;
    this.filledAhead[this.filledCount] = Number(ahead !== 0);
    this.filledKeys[this.filledCount] = key;
    this.filled[this.filledCount++] = frame;
    return frame;
  }

  /** Notes an access to a frame that holds its page already. */
  touched(frame: number): void {
    if (this.hitCount === this.hit.length) this.hit = doubled(this.hit);
    this.hit[this.hitCount++] = frame;
  }

  /** Tells the policy what was touched. */
  noteTouched(): void {
    if (this.hitCount > 0) this.pool.frames.policy.touch(this.hit, this.hitCount);
    this.hitCount = 0;
  }

  /** Tells the policy what was filled and touched. */
  track(): void {
    const { policy } = this.pool.frames;
    this.noteTouched();
    if (this.filledCount > 0) policy.insert(this.filled, this.filledCount, this.filledKeys, this.filledAhead);
    this.filledCount = 0;
  }

  /** Takes note that victims have left. */
  vacate(victims: Victims): void {
    for (let i = 0; i < victims.pages.length; i++) {
      const residency = this.pool.residencies[victims.owners[i]!]!;
      residency.leaveAndUnlock(victims.pages[i]!);
    }
    for (const frame of victims.spare) this.pool.frames.give(frame);
  }

  /** Takes note that victims were lost on their way out. */
  abandon(victims: Victims): void {
    for (let i = 0; i < victims.pages.length; i++) {
      const residency = this.pool.residencies[victims.owners[i]!]!;
      losePage(this.pool, residency, victims.pages[i]!);
      residency.store.unlock(victims.pages[i]!);
    }
    for (const frame of victims.spare) this.pool.frames.give(frame);
  }

  private growFilled(): void {
    this.filled = doubled(this.filled);
    const keys = new Float64Array(this.filled.length);
    keys.set(this.filledKeys);
    this.filledKeys = keys;
    const ahead = new Uint8Array(this.filled.length);
    ahead.set(this.filledAhead);
    this.filledAhead = ahead;
  }

  /** Counts the victims, and why each has to go. */
  private countEvictions(stats: MirrorStats): void {
    const { policy } = this.pool.frames;
    stats.evictions += this.count;
    if (policy.reasons === undefined) countReason(stats.evictionReasons, policy.name, this.count);
    else {
      const { reasons } = policy;
      for (let i = 0; i < this.count;) {
        const from = i++;
        while (i < this.count && this.why[i] === this.why[from]) i++;
        countReason(stats.evictionReasons, reasons[this.why[from]!] ?? policy.name, i - from);
      }
    }
  }

  private grow(needed: number): void {
    const capacity = Math.max(needed, this.victims.length * 2);
    this.victims = new Uint32Array(capacity);
    this.pages = new Uint32Array(capacity);
    this.owners = new Uint8Array(capacity);
    this.why = new Uint8Array(capacity);
  }
}

function doubled(from: Uint32Array): Uint32Array<ArrayBuffer> {
  const to = new Uint32Array(from.length * 2);
  to.set(from);
  return to;
}
