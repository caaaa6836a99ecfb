import { type EvictionFactory, type EvictionPolicy, FRAME_DIRTY } from '@mirrorspace/core';

/** Accesses looked at, and that the policy hears of, at once. */
const BATCH = 256;
/** Page numbers index an array: more than these do not belong here. */
const MOST_PAGES = 2 ** 29;

/** How pages are replayed. */
export interface BareOptions {
  /** Pages that fit. */
  readonly room: number;
  readonly eviction: EvictionFactory;
  /** Bytes a page, for policies that look at neighbours. Default 4096. */
  readonly pageSize?: number;
}

/** What became of the accesses so far. */
export interface BareCounts {
  readonly accesses: number;
  /** Accesses to pages that were not there. */
  readonly misses: number;
  /** Pages given up. */
  readonly evictions: number;
  /** Those of them that were written since they came. */
  readonly writeBacks: number;
}

/** A policy alone: says which of the pages that are accessed one after another would be there. Memory is bounded by pages and room, not by accesses. */
export class BareReplay {
  readonly policy: EvictionPolicy;
  /** By page: its frame + 1; 0 for none. */
  private frameOf = new Uint32Array(1024);
  private readonly pageOf: Uint32Array;
  private readonly flags: Uint8Array;
  /** Frames that hold nothing, a stack. */
  private readonly free: Uint32Array;
  private freeCount: number;
  private readonly out: Uint32Array;
  /** A frame filled, and then frames accessed, that the policy has not heard of. */
  private readonly filled = new Uint32Array(1);
  private readonly filledPages = new Float64Array(1);
  private filledCount = 0;
  private readonly hits = new Uint32Array(BATCH);
  private hitCount = 0;
  private readonly coming = new Float64Array(1);
  /** Kept, so that the compiler cannot leave out the reads. */
  read = 0;
  private accesses = 0;
  private misses = 0;
  private evictions = 0;
  private writeBacks = 0;

  /** @throws RangeError when `room` is no positive integer */
  constructor({ room, eviction, pageSize = 4096 }: BareOptions) {
    if (!Number.isSafeInteger(room) || room < 1) throw new RangeError(`room must be a positive integer, got ${room}`);
    this.policy = eviction(room, pageSize);
    this.pageOf = new Uint32Array(room);
    this.flags = new Uint8Array(room);
    this.free = Uint32Array.from({ length: room }, (_, i) => room - 1 - i);
    this.freeCount = room;
    this.out = new Uint32Array(Math.min(room, 1 + (this.policy.overshoot ?? 0)));
  }

  /** What became of the accesses so far. */
  get counts(): BareCounts {
    const { accesses, misses, evictions, writeBacks } = this;
    return { accesses, misses, evictions, writeBacks };
  }

  /** Whether a page is there. */
  has(page: number): boolean {
    return page < this.frameOf.length && this.frameOf[page] !== 0;
  }

  /**
   * Accesses `pages[from … to - 1]`, one after another. With `metas`, as traces have them, writes make dirty.
   * @throws RangeError for a page number of 2^29 or more
   */
  access(pages: Uint32Array, from: number, to: number, metas?: Uint32Array): void {
    this.ensure(pages, from, to);
    for (let at = from; at < to; at += BATCH) this.accessBatch(pages, at, Math.min(to, at + BATCH), metas);
    this.accesses += to - from;
  }

  private accessBatch(pages: Uint32Array, from: number, to: number, metas: Uint32Array | undefined): void {
    const { frameOf, hits } = this;
    // All at once: one after another, each would be waited for.
    let read = 0;
    for (let i = from; i < to; i++) read |= frameOf[pages[i]!]!;
    this.read = read;
    for (let i = from; i < to; i++) {
      const frame = frameOf[pages[i]!]!;
      if (frame !== 0) hits[this.hitCount++] = frame - 1;
      else this.fill(pages[i]!);
      if (metas !== undefined && (metas[i]! & 1) !== 0) this.flags[frameOf[pages[i]!]! - 1] = FRAME_DIRTY;
    }
    this.tell();
  }

  /** Gives a page a frame. The policy hears of it before the next one, or at the end of the batch. */
  private fill(page: number): void {
    this.misses++;
    this.tell();
    if (this.freeCount === 0) this.makeRoom(page);
    const frame = this.free[--this.freeCount]!;
    this.frameOf[page] = frame + 1;
    this.pageOf[frame] = page;
    this.filledPages[this.filledCount] = page;
    this.filled[this.filledCount++] = frame;
  }

  /** What was filled first: accesses since then may be of it. */
  private tell(): void {
    if (this.filledCount > 0) this.policy.insert(this.filled, this.filledCount, this.filledPages);
    if (this.hitCount > 0) this.policy.touch(this.hits, this.hitCount);
    this.filledCount = this.hitCount = 0;
  }

  private makeRoom(page: number): void {
    const { policy, out, flags, coming } = this;
    coming[0] = page;
    const count = policy.victims(out, 1, flags, coming);
    if (count === 0) throw new Error(`${policy.name} gives nothing up`);
    for (let i = count - 1; i >= 0; i--) {
      const frame = out[i]!;
      this.frameOf[this.pageOf[frame]!] = 0;
      if (flags[frame] !== 0) this.writeBacks++;
      flags[frame] = 0;
      this.free[this.freeCount++] = frame;
    }
    this.evictions += count;
  }

  private ensure(pages: Uint32Array, from: number, to: number): void {
    let last = 0;
    for (let i = from; i < to; i++) if (pages[i]! > last) last = pages[i]!;
    if (last < this.frameOf.length) return;
    if (last >= MOST_PAGES) throw new RangeError(`page ${last} must be below 2^29: number the pages densely`);
    const frameOf = new Uint32Array(Math.min(MOST_PAGES, Math.max(last + 1, this.frameOf.length * 2)));
    frameOf.set(this.frameOf);
    this.frameOf = frameOf;
  }
}
