import { type FramePool, POISON } from './frames.js';

interface Taken {
  readonly mmu: number;
  /** Smallest-size pages. */
  readonly page: number;
  readonly pages: number;
  readonly bytes: number;
  flushedBy: object | undefined;
}

/**
 * Poisons frames that were taken away: when the last entry of a frame was removed, and a submission that flushed it has
 * settled, and nothing was copied in or mapped there since. Reading such a frame then shows.
 */
export class FrameGuard {
  readonly #pool: FramePool;
  /** Entries a smallest-size frame has, over all MMUs. */
  readonly #entries: Uint16Array;
  /** By the first smallest-size frame. */
  readonly #taken = new Map<number, Taken>();

  constructor(pool: FramePool, memory: number) {
    this.#pool = pool;
    this.#entries = new Uint16Array(Math.floor(memory / pool.frameBytes));
  }

  mapped(frame: number, bytes: number): void {
    const { first, count } = this.#span(frame, bytes);
    for (let f = first; f < first + count; f++) this.#entries[f]!++;
    this.written(frame, bytes);
  }

  unmapped(mmu: number, page: number, frame: number, bytes: number): void {
    const { first, count } = this.#span(frame, bytes);
    let left = 0;
    for (let f = first; f < first + count; f++) left |= --this.#entries[f]!;
    if (left === 0) this.#taken.set(first, { mmu, page: page * count, pages: count, bytes, flushedBy: undefined });
  }

  /** An MMU went away with its entries; their frames keep what they hold. */
  released(frame: number, bytes: number): void {
    const { first, count } = this.#span(frame, bytes);
    for (let f = first; f < first + count; f++) this.#entries[f]!--;
  }

  /** New content came: nothing to poison there. */
  written(frame: number, bytes: number): void {
    if (this.#taken.size === 0) return;
    const { first, count } = this.#span(frame, bytes);
    for (let f = first; f < first + count; f++) this.#taken.delete(f);
  }

  /** `submission` flushed smallest-size pages of an MMU: those that `covers` says. */
  flushed(mmu: number, submission: object, covers: (page: number) => boolean): void {
    for (const taken of this.#taken.values()) {
      if (taken.mmu === mmu && covers(taken.page)) taken.flushedBy = submission;
    }
  }

  /** `submission` settled: what it flushed is gone. */
  settled(submission: object): void {
    for (const [frame, taken] of this.#taken) {
      if (taken.flushedBy !== submission) continue;
      this.#taken.delete(frame);
      this.#pool.fill(frame, 0, taken.bytes, POISON);
    }
  }

  #span(frame: number, bytes: number): { first: number; count: number } {
    const count = bytes / this.#pool.frameBytes;
    return { first: frame * count, count };
  }
}
