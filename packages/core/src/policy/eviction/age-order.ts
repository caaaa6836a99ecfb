import { checkCapacity, checkFrames } from './check-frames.js';
import { FRAME_BLOCKED } from './frame-flags.js';
import { Oldest } from './oldest.js';

/** The oldest are looked for one in so many at a time (a power of two), but not fewer than the smallest portion. */
const PORTION_SHIFT = 3;
const SMALLEST_PORTION = 16;
/** Stamps are made small again after so many a frame, and no later than when there are no more numbers. */
const STAMPS_A_FRAME = 512;
const FEWEST_STAMPS = 1 << 16;
const LAST_STAMP = 2 ** 31 - 1;

/**
 * Frames in the order in which they were stamped. A stamp is one store and touches no other frame's memory, as moving it in a
 * list would; and finding the oldest waits for no chain of links through memory that nobody has used for long. The price is
 * that they have to be looked for: an eighth of all at a time. Those stay the oldest, in the order found, but for the ones
 * stamped anew or taken out meanwhile.
 */
export class AgeOrder {
  size = 0;
  /** By frame: the time of its last stamp, counted in stamps; 0 for frames that are not in the order. */
  private readonly stamps: Int32Array;
  private time = 0;
  private readonly lastTime: number;
  /** What was looked for last: `oldest.ids[next … end - 1]`, but for frames stamped after `horizon` or taken out. */
  private readonly oldest = new Oldest();
  private next = 0;
  private end = 0;
  private horizon = 0;
  /** No frame in the order has a stamp below, but for `oldest.ids[next … end - 1]`. */
  private least = 1;

  /** @throws RangeError when `capacity` is no integer in 0 … 2 ** 30 - 1 */
  constructor(capacity: number) {
    checkCapacity(capacity);
    this.stamps = new Int32Array(capacity);
    this.lastTime = Math.min(LAST_STAMP, Math.max(FEWEST_STAMPS, STAMPS_A_FRAME * capacity));
  }

  get bytes(): number {
    return this.stamps.byteLength + this.oldest.bytes;
  }

  /**
   * Makes the first `count` frames the youngest, one after another, wherever they were.
   * @throws RangeError when one is not below the capacity; nothing has changed then
   */
  putLast(ids: Uint32Array, count: number): void {
    checkFrames(ids, count, this.stamps.length);
    this.stamp(ids, count, true, true);
  }

  /**
   * Makes those of the first `count` frames that are not in the order the youngest; the others stay where they are.
   * @throws RangeError when one is not below the capacity; nothing has changed then
   */
  addLast(ids: Uint32Array, count: number): void {
    checkFrames(ids, count, this.stamps.length);
    this.stamp(ids, count, false, true);
  }

  /** Makes those of the first `count` frames that are in the order the youngest, one after another. */
  moveLast(ids: Uint32Array, count: number): void {
    this.stamp(ids, count, true, false);
  }

  /** Takes those of the first `count` frames out that are in. */
  remove(ids: Uint32Array, count: number): void {
    const { stamps } = this;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (id >= stamps.length || stamps[id] === 0) continue;
      stamps[id] = 0;
      this.size--;
    }
  }

  /** Takes up to `count` frames that are not blocked out, oldest first, into `out`; returns how many. */
  takeFirst(out: Uint32Array, count: number, flags: Uint8Array): number {
    const { stamps, oldest } = this;
    for (let taken = 0; ;) {
      const { ids } = oldest;
      const { horizon, end } = this;
      const before = taken;
      /** Blocked frames met: they stay first. */
      let kept = 0;
      let at = this.next;
      for (; at < end && taken < count; at++) {
        const id = ids[at]!;
        const stamp = stamps[id]!;
        if (stamp === 0 || stamp > horizon) continue;
        if ((flags[id]! & FRAME_BLOCKED) !== 0) {
          if (kept++ === 0) this.next = at;
          continue;
        }
        stamps[id] = 0;
        out[taken++] = id;
      }
      if (kept === 0) this.next = at;
      this.size -= taken - before;
      if (taken === count || kept === this.size) return taken;
      if (kept > 0) this.least = stamps[ids[this.next]!]!;
      // Twice those kept: however many are blocked, a few looks find that out.
      this.look(2 * kept + Math.max(count - taken, SMALLEST_PORTION, stamps.length >>> PORTION_SHIFT));
    }
  }

  private stamp(ids: Uint32Array, count: number, move: boolean, add: boolean): void {
    const { stamps } = this;
    const noNew = Number(!add);
    const noOld = Number(!move);
    for (let i = 0; i < count;) {
      if (this.time === this.lastTime) this.renumber();
      const stop = Math.min(count, i + this.lastTime - this.time);
      let { time } = this;
      let added = 0;
      for (; i < stop; i++) {
        const id = ids[i]!;
        if (id >= stamps.length) continue;
        const isNew = Number(stamps[id] === 0);
        if (((isNew & noNew) | (~isNew & noOld)) !== 0) continue;
        added += isNew;
        stamps[id] = ++time;
      }
      this.time = time;
      this.size += added;
    }
  }

  private look(count: number): void {
    this.horizon = this.time;
    this.next = 0;
    this.end = this.oldest.find(this.stamps, this.least, this.time, this.size, Math.min(count, this.size));
    this.least = this.oldest.cut + 1;
  }

  /** Gives the frames the times 1, 2, 3 … in their order. */
  private renumber(): void {
    const { stamps, oldest, size } = this;
    oldest.find(stamps, 1, this.time, size, size);
    const { ids } = oldest;
    for (let i = 0; i < size; i++) stamps[ids[i]!] = i + 1;
    oldest.forget();
    this.time = size;
    this.next = this.end = 0;
    this.least = 1;
  }
}
