import { checkCapacity, checkFrames } from './check-frames.js';
import { FRAME_BLOCKED } from './frame-flags.js';
import type { EvictionPolicy } from './types.js';

const NONE = -1;
const FIRST = 16;

/**
 * Gives up the frame accessed least often since it was filled, among equals the one whose last access lies furthest back. Frames hang on
 * the counts that there are, which hang on each other, so that every step is constant (Shah, Mitra and Matani, "An O(1) algorithm for
 * implementing the LFU cache eviction scheme", 2010). 12 bytes a frame, and 24 a count that some frame has.
 */
export class LfuEviction implements EvictionPolicy {
  readonly name = 'lfu';
  private tracked = 0;
  private readonly after: Int32Array;
  private readonly before: Int32Array;
  /** By frame: its group; NONE where it is not tracked. */
  private readonly groupOf: Int32Array;
  /** By group: how often its frames were accessed; the next greater and smaller group; its oldest and youngest frame. */
  private counts = new Float64Array(FIRST);
  private greater = new Int32Array(FIRST);
  private smaller = new Int32Array(FIRST);
  private oldest = new Int32Array(FIRST);
  private youngest = new Int32Array(FIRST);
  /** The group of the smallest count. */
  private least = NONE;
  private madeGroups = 0;
  /** The first group that was given back; the others hang on it by `greater`. */
  private spare = NONE;

  /** @throws RangeError when `capacity` is no integer in 0 … 2 ** 30 - 1 */
  constructor(capacity: number) {
    checkCapacity(capacity);
    this.after = new Int32Array(capacity);
    this.before = new Int32Array(capacity);
    this.groupOf = new Int32Array(capacity).fill(NONE);
  }

  get size(): number {
    return this.tracked;
  }

  get bytes(): number {
    return 3 * this.groupOf.byteLength + this.counts.byteLength + 4 * this.greater.byteLength;
  }

  insert(ids: Uint32Array, count: number): void {
    checkFrames(ids, count, this.groupOf.length);
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (this.groupOf[id] !== NONE) {
        this.access(id);
        continue;
      }
      this.tracked++;
      if (this.least === NONE || this.counts[this.least] !== 1) this.makeGroup(1, NONE);
      this.append(this.least, id);
    }
  }

  touch(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (id < this.groupOf.length && this.groupOf[id] !== NONE) this.access(id);
    }
  }

  remove(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (id < this.groupOf.length && this.groupOf[id] !== NONE) this.drop(id);
    }
  }

  victims(out: Uint32Array, count: number, flags: Uint8Array): number {
    let taken = 0;
    for (let group = this.least; group !== NONE && taken < count;) {
      const next = this.greater[group]!;
      for (let id = this.oldest[group]!; id !== NONE && taken < count;) {
        const younger = this.after[id]!;
        if ((flags[id]! & FRAME_BLOCKED) === 0) {
          this.drop(id);
          out[taken++] = id;
        }
        id = younger;
      }
      group = next;
    }
    return taken;
  }

  private access(id: number): void {
    const group = this.groupOf[id]!;
    const count = this.counts[group]! + 1;
    const next = this.greater[group]!;
    const isAlone = this.oldest[group] === this.youngest[group];
    if (isAlone && (next === NONE || this.counts[next] !== count)) {
      this.counts[group] = count;
      return;
    }
    const to = next !== NONE && this.counts[next] === count ? next : this.makeGroup(count, group);
    this.unlink(id);
    this.append(to, id);
  }

  private drop(id: number): void {
    this.unlink(id);
    this.groupOf[id] = NONE;
    this.tracked--;
  }

  private append(group: number, id: number): void {
    const last = this.youngest[group]!;
    if (last === NONE) this.oldest[group] = id;
    else this.after[last] = id;
    this.before[id] = last;
    this.after[id] = NONE;
    this.youngest[group] = id;
    this.groupOf[id] = group;
  }

  /** Takes a frame from its group, and the group away if it was the last. */
  private unlink(id: number): void {
    const group = this.groupOf[id]!;
    const before = this.before[id]!;
    const after = this.after[id]!;
    if (before === NONE) this.oldest[group] = after;
    else this.after[before] = after;
    if (after === NONE) this.youngest[group] = before;
    else this.before[after] = before;
    if (this.oldest[group] === NONE) this.dropGroup(group);
  }

  /** Makes an empty group behind another one, or the first. */
  private makeGroup(count: number, behind: number): number {
    const group = this.spare === NONE ? this.madeGroups++ : this.spare;
    if (group === this.spare) this.spare = this.greater[group]!;
    if (group === this.counts.length) this.grow();
    const next = behind === NONE ? this.least : this.greater[behind]!;
    if (behind === NONE) this.least = group;
    else this.greater[behind] = group;
    if (next !== NONE) this.smaller[next] = group;
    this.smaller[group] = behind;
    this.greater[group] = next;
    this.oldest[group] = this.youngest[group] = NONE;
    this.counts[group] = count;
    return group;
  }

  private dropGroup(group: number): void {
    const before = this.smaller[group]!;
    const after = this.greater[group]!;
    if (before === NONE) this.least = after;
    else this.greater[before] = after;
    if (after !== NONE) this.smaller[after] = before;
    this.greater[group] = this.spare;
    this.spare = group;
  }

  private grow(): void {
    const length = this.counts.length * 2;
    const counts = new Float64Array(length);
    counts.set(this.counts);
    this.counts = counts;
    this.greater = doubled(this.greater);
    this.smaller = doubled(this.smaller);
    this.oldest = doubled(this.oldest);
    this.youngest = doubled(this.youngest);
  }
}

function doubled(from: Int32Array): Int32Array<ArrayBuffer> {
  const to = new Int32Array(from.length * 2);
  to.set(from);
  return to;
}
