import type { IdList } from '../address/index.js';
import type { PageTracker } from './page-tracker.js';

const FIRST_WORDS = 64;

/** Tracks writes by being told of every hold for writing that ends: one bit a frame. */
export class HoldTracker implements PageTracker {
  readonly mechanism = 'holds';
  private bits = new Uint32Array(FIRST_WORDS);

  get bytes(): number {
    return this.bits.byteLength;
  }

  note(first: number, count: number): void {
    const words = ((first + count - 1) >>> 5) + 1;
    if (words > this.bits.length) {
      const grown = new Uint32Array(Math.max(words, this.bits.length * 2));
      grown.set(this.bits);
      this.bits = grown;
    }
    for (let frame = first; frame < first + count; frame++) this.bits[frame >>> 5]! |= 1 << (frame & 31);
  }

  written(frame: number): boolean {
    return ((this.bits[frame >>> 5] ?? 0) & (1 << (frame & 31))) !== 0;
  }

  /** Forgets a frame that is no longer in use. */
  forget(frame: number): void {
    if (frame >>> 5 < this.bits.length) this.bits[frame >>> 5]! &= ~(1 << (frame & 31));
  }

  collect(frames: IdList, out: IdList): number {
    const before = out.length;
    for (let i = 0; i < frames.length; i++) {
      const frame = frames.items[i]!;
      if (!this.written(frame)) continue;
      this.forget(frame);
      out.push(frame);
    }
    return out.length - before;
  }
}
