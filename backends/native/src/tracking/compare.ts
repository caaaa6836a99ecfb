import type { IdList } from '@mirrorspace/core';
import type { Addon } from '../addon/addon.js';
import { FrameBits } from '../memory/frame-bits.js';
import type { FrameFile } from '../memory/frame-file.js';
import type { Tier, TrackedRange } from './tier.js';

/** Most frames that are hashed in one call, and runs of memory that one call returns. */
const AT_ONCE = 4096;

/** Hashes of a range's frames, a leaf of `AT_ONCE` made when one of its frames has memory. */
type Hashes = Map<number, BigUint64Array>;

/**
 * Comparing each frame's bytes with what they were, by a hash. Works everywhere, costs as much as reading all that is in memory, and takes
 * bytes that were stored as they were before for not written.
 */
export class CompareTier implements Tier {
  readonly mechanism = 'compare';
  private readonly hashes = new Map<number, Hashes>();
  private leaves = 0;
  private readonly zero: bigint;
  private readonly changed = new Uint32Array(AT_ONCE);
  private readonly memory = new Float64Array(2 * 64);
  /** Frames that are withheld: what is in them is no plain store's. */
  private readonly apart = new FrameBits();
  /** Frames that plain stores had written when they were withheld. */
  private readonly pending = new FrameBits();

  constructor(
    private readonly addon: Addon,
    private readonly file: FrameFile,
  ) {
    const hash = new BigUint64Array(1);
    addon.hashPages(new Uint8Array(file.pageSize), 0, file.pageSize, file.pageSize, hash);
    this.zero = hash[0]!;
  }

  get bytes(): number {
    return this.leaves * AT_ONCE * 8 + this.apart.bytes + this.pending.bytes + this.changed.byteLength;
  }

  begin(range: TrackedRange): void {
    this.hashes.set(range.first, new Map());
  }

  end(range: TrackedRange): void {
    this.leaves -= this.hashes.get(range.first)!.size;
    this.hashes.delete(range.first);
    this.apart.clearRange(range.first, range.count);
    this.pending.clearRange(range.first, range.count);
  }

  collect(range: TrackedRange, first: number, count: number, out: IdList): void {
    const { pageSize } = this.file;
    const end = first + count;
    for (let at = first; at < end;) {
      const runs = this.file.file.data(this.file.positionOf(at), (end - at) * pageSize, this.memory);
      if (runs === 0) return;
      for (let i = 0; i < runs; i++) {
        const from = Math.max(at, this.file.numberAt(this.memory[2 * i]!));
        const to = this.file.numberAt(this.memory[2 * i + 1]! + pageSize - 1);
        this.compare(range, from, to, out);
        at = to;
      }
      if (runs < this.memory.length / 2) return;
    }
  }

  withheld(range: TrackedRange, frames: Uint32Array, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const frame = frames[i]!;
      if (this.apart.has(frame)) continue;
      if (this.hash(range, frame, 1) > 0) this.pending.set(frame);
      this.apart.set(frame);
    }
  }

  restoring(range: TrackedRange, frames: Uint32Array, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const frame = frames[i]!;
      if (!this.apart.has(frame)) continue;
      this.hash(range, frame, 1);
      this.apart.clear(frame);
    }
  }

  forget(range: TrackedRange, frames: Uint32Array): void {
    for (const frame of frames) {
      this.pending.clear(frame);
      this.apart.clear(frame);
      const hashes = this.hashes.get(range.first)!.get(Math.floor((frame - range.first) / AT_ONCE));
      if (hashes !== undefined) hashes[(frame - range.first) % AT_ONCE] = this.zero;
    }
  }

  private compare(range: TrackedRange, from: number, to: number, out: IdList): void {
    for (let at = from; at < to;) {
      const count = Math.min(to - at, this.together(range, at));
      const changed = this.hash(range, at, count);
      // Ascending with those that were found before.
      for (let i = 0, frame = at; frame < at + count; frame++) {
        const isChanged = i < changed && this.changed[i] === frame - at;
        if (isChanged) i++;
        if (this.pending.has(frame)) {
          this.pending.clear(frame);
          out.push(frame);
        } else if (isChanged && !this.apart.has(frame)) {
          out.push(frame);
        }
      }
      at += count;
    }
  }

  /** Frames from `frame` on whose hashes and bytes lie together. */
  private together(range: TrackedRange, frame: number): number {
    const left = (this.file.bufferOf(frame).length - this.file.offsetOf(frame)) / this.file.pageSize;
    return Math.min(AT_ONCE - ((frame - range.first) % AT_ONCE), left);
  }

  /** Hashes frames that lie together. Returns how many have changed: `changed` has them, counted from `frame`. */
  private hash(range: TrackedRange, frame: number, count: number): number {
    const { pageSize } = this.file;
    const leaves = this.hashes.get(range.first)!;
    const leaf = Math.floor((frame - range.first) / AT_ONCE);
    let hashes = leaves.get(leaf);
    if (hashes === undefined) {
      leaves.set(leaf, (hashes = new BigUint64Array(AT_ONCE).fill(this.zero)));
      this.leaves++;
    }
    const at = (frame - range.first) % AT_ONCE;
    const bytes = this.file.bufferOf(frame);
    const own = hashes.subarray(at, at + count);
    return this.addon.changedPages(bytes, this.file.offsetOf(frame), count * pageSize, pageSize, own, this.changed);
  }
}
