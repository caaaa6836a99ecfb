import type { LaunchRanges } from '@mirrorspace/core/driver';

/** Lists of ranges that are remembered. */
const LISTS = 8;

interface Noted {
  readonly reads: number;
  readonly numbers: readonly number[];
}

/**
 * Lists of ranges that launches found there, as a whole, and noted as accessed: as long as no entry changes and no bit is taken, the next launch
 * with the same ones need not look at every page again.
 */
export class NotedRanges {
  readonly #lists: Noted[] = [];
  #next = 0;
  #changes = -1;

  /** Whether such a list was noted since `changes`, which counts what ends it, is what it is. */
  has({ reads, writes }: LaunchRanges, changes: number): boolean {
    if (changes !== this.#changes) return false;
    return this.#lists.some(
      (noted) =>
        noted.reads === reads.length &&
        noted.numbers.length === 2 * (reads.length + writes.length) &&
        agrees(noted.numbers, 0, reads) &&
        agrees(noted.numbers, 2 * reads.length, writes),
    );
  }

  /** Remembers a list that was found there and noted. */
  add({ reads, writes }: LaunchRanges, changes: number): void {
    if (changes !== this.#changes) {
      this.#lists.length = 0;
      this.#next = 0;
    }
    this.#changes = changes;
    this.#lists[this.#next++ % LISTS] = { reads: reads.length, numbers: [...reads.flat(), ...writes.flat()] };
  }
}

function agrees(numbers: readonly number[], at: number, ranges: LaunchRanges['reads']): boolean {
  return ranges.every(([start, bytes], i) => numbers[at + 2 * i] === start && numbers[at + 2 * i + 1] === bytes);
}
