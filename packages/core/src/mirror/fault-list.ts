import { FAULT_READ } from '../driver/index.js';
import type { PageMoves } from './page-moves.js';
import { RadixSort } from './radix-sort.js';

/** Faults of one mirror, sorted by page and without duplicates. Reused between rounds. */
export class FaultList {
  /** Page numbers, ascending. */
  pages = new Float64Array(256);
  /** 1 where the page is to be written. */
  write = new Uint8Array(256);
  /** The content mapped at each page, -1 for none; filled by who needs it. */
  contents = new Int32Array(256);
  length = 0;
  /** Twice the page number, plus 1 for a write. */
  private keys = new Float64Array(256);
  private readonly sorter = new RadixSort();

  /** Takes over the faults of both lists; returns how many were duplicates. A page wanted for both reading and writing is wanted for writing. */
  fill(drained: PageMoves, deferred: PageMoves): number {
    const total = drained.length + deferred.length;
    if (total > this.keys.length) this.grow(total);
    const { keys, pages, write } = this;
    let count = append(keys, 0, drained);
    count = append(keys, count, deferred);
    this.sorter.sort(keys, count);
    let length = 0;
    for (let i = 0; i < count; i++) {
      const page = Math.floor(keys[i]! / 2);
      const writes = keys[i]! - page * 2;
      if (length > 0 && pages[length - 1] === page) {
        write[length - 1]! |= writes;
      } else {
        pages[length] = page;
        write[length++] = writes;
      }
    }
    this.length = length;
    return total - length;
  }

  private grow(needed: number): void {
    const capacity = Math.max(needed, this.keys.length * 2);
    this.keys = new Float64Array(capacity);
    this.pages = new Float64Array(capacity);
    this.write = new Uint8Array(capacity);
    this.contents = new Int32Array(capacity);
  }
}

function append(keys: Float64Array, at: number, list: PageMoves): number {
  const { length, pages, codes } = list;
  for (let i = 0; i < length; i++) keys[at++] = pages[i]! * 2 + (codes[i] === FAULT_READ ? 0 : 1);
  return at;
}
