import { FAULT_READ } from '../driver/index.js';
import type { PageMoves } from './page-moves.js';

/** Faults of one mirror, sorted by page and without duplicates. Reused between rounds. */
export class FaultList {
  /** Page numbers, ascending. */
  pages = new Float64Array(256);
  /** 1 where the page is to be written. */
  write = new Uint8Array(256);
  length = 0;
  private keys = new Float64Array(256);

  /** Takes over the faults of both lists; returns how many were duplicates. A page wanted for both reading and writing is wanted for writing. */
  fill(drained: PageMoves, deferred: PageMoves): number {
    const total = drained.length + deferred.length;
    if (total > this.keys.length) this.grow(total);
    const { keys } = this;
    let count = append(keys, 0, drained);
    count = append(keys, count, deferred);
    if (count > 1) keys.subarray(0, count).sort();
    this.length = 0;
    for (let i = 0; i < count; i++) {
      const page = Math.floor(keys[i]! / 2);
      const write = keys[i]! - page * 2;
      if (this.length > 0 && this.pages[this.length - 1] === page) {
        this.write[this.length - 1]! |= write;
      } else {
        this.pages[this.length] = page;
        this.write[this.length++] = write;
      }
    }
    return total - this.length;
  }

  private grow(needed: number): void {
    const capacity = Math.max(needed, this.keys.length * 2);
    this.keys = new Float64Array(capacity);
    this.pages = new Float64Array(capacity);
    this.write = new Uint8Array(capacity);
  }
}

function append(keys: Float64Array, at: number, list: PageMoves): number {
  for (let i = 0; i < list.length; i++) keys[at++] = list.pages[i]! * 2 + (list.codes[i] === FAULT_READ ? 0 : 1);
  return at;
}
