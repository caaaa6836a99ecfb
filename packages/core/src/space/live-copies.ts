import { IdList } from '../address/index.js';
import { LIVE_BLOCK } from './live-memory.js';

const SHIFT = Math.log2(LIVE_BLOCK);
const FIRST_CAPACITY = 64;
/** In a block's count: it is on the list. */
const LISTED = 0x8000;

/** The blocks of live pages of which devices have copies: of stores to others nobody but the tracker has to hear. 2 bytes a block. */
export class LiveCopies {
  /** Copies that devices have of a block's pages, and LISTED. */
  private counts = new Uint16Array(FIRST_CAPACITY);
  /** Blocks that have copies, or had some when they were last looked through. */
  private readonly blocks = new IdList();
  private sorted = true;

  /** Bytes of memory it takes. */
  get bytes(): number {
    return this.counts.byteLength + this.blocks.items.byteLength;
  }

  /** A device has a copy of a page more. Returns whether none had any of its block. */
  add(page: number): boolean {
    const block = page >>> SHIFT;
    if (block >= this.counts.length) this.grow(block + 1);
    const count = ++this.counts[block]!;
    if ((count & ~LISTED) > 1) return false;
    if (count === 1) {
      this.counts[block]! |= LISTED;
      this.blocks.push(block);
      this.sorted = false;
    }
    return true;
  }

  /** A device has a copy of a page less. */
  remove(page: number): void {
    this.counts[page >>> SHIFT]!--;
  }

  /** Calls `use` with runs of pages, in blocks that have copies, ascending. */
  eachRun(use: (first: number, count: number) => void): void {
    const { blocks, counts } = this;
    if (!this.sorted) blocks.items.subarray(0, blocks.length).sort();
    this.sorted = true;
    let kept = 0;
    let first = 0;
    let end = 0;
    for (let i = 0; i < blocks.length; i++) {
      const block = blocks.items[i]!;
      if (counts[block] === LISTED) {
        counts[block] = 0;
        continue;
      }
      blocks.items[kept++] = block;
      if (block !== end) {
        if (end > first) use(first << SHIFT, (end - first) << SHIFT);
        first = block;
      }
      end = block + 1;
    }
    blocks.length = kept;
    if (end > first) use(first << SHIFT, (end - first) << SHIFT);
  }

  private grow(needed: number): void {
    const counts = new Uint16Array(Math.max(needed, this.counts.length * 2));
    counts.set(this.counts);
    this.counts = counts;
  }
}
