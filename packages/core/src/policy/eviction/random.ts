import { checkCapacity, checkFrames } from './check-frames.js';
import { FRAME_BLOCKED } from './frame-flags.js';
import type { EvictionPolicy } from './types.js';

/** Tries at random before all frames are looked at in turn. */
const TRIES = 16;

/**
 * Gives up any frame, all as likely, whatever was accessed (Belady, "A study of replacement algorithms for a virtual-storage
 * computer", 1966). The numbers depend on the seed alone: the same calls give the same victims. 8 bytes a frame.
 */
export class RandomEviction implements EvictionPolicy {
  readonly name = 'random';
  private readonly ids: Uint32Array;
  /** By frame: its place in `ids` + 1; 0 for none. */
  private readonly places: Uint32Array;
  private tracked = 0;
  private state: number;

  /**
   * @param seed of the random numbers, a 32-bit integer
   * @throws RangeError when `capacity` is no integer in 0 … 2 ** 30 - 1, or `seed` no integer
   */
  constructor(capacity: number, seed = 1) {
    checkCapacity(capacity);
    if (!Number.isSafeInteger(seed)) throw new RangeError(`seed must be an integer, got ${seed}`);
    this.ids = new Uint32Array(capacity);
    this.places = new Uint32Array(capacity);
    this.state = seed | 0;
  }

  get size(): number {
    return this.tracked;
  }

  get bytes(): number {
    return this.ids.byteLength + this.places.byteLength;
  }

  insert(ids: Uint32Array, count: number): void {
    checkFrames(ids, count, this.places.length);
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (this.places[id] !== 0) continue;
      this.ids[this.tracked++] = id;
      this.places[id] = this.tracked;
    }
  }

  touch(): void {
    // Nothing that was accessed makes a difference.
  }

  remove(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (ids[i]! < this.places.length) this.drop(ids[i]!);
  }

  victims(out: Uint32Array, count: number, flags: Uint8Array): number {
    let taken = 0;
    for (; taken < count && this.tracked > 0; taken++) {
      let at = this.below(this.tracked);
      for (let tries = 1; this.isBlocked(at, flags) && tries < TRIES; tries++) at = this.below(this.tracked);
      for (let steps = this.tracked; this.isBlocked(at, flags); at = at + 1 === this.tracked ? 0 : at + 1)
        if (steps-- === 0) return taken;
      out[taken] = this.ids[at]!;
      this.drop(out[taken]!);
    }
    return taken;
  }

  private isBlocked(at: number, flags: Uint8Array): boolean {
    return (flags[this.ids[at]!]! & FRAME_BLOCKED) !== 0;
  }

  private drop(id: number): void {
    const at = this.places[id]! - 1;
    if (at < 0) return;
    const last = this.ids[--this.tracked]!;
    this.ids[at] = last;
    this.places[last] = at + 1;
    this.places[id] = 0;
  }

  /** A number in 0 … below - 1 (mulberry32). */
  private below(below: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  }
}
