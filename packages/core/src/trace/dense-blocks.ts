import { isTracePageSize } from './page-trace.js';

/** Blocks that keep their pages together: a root chunk of NVIDIA's UVM, the largest thing that a policy looks at. */
const BLOCK_BYTES = 2 ** 21;

/**
 * Gives pages of a sparse address space small numbers: blocks of 2 MiB are numbered in the order in which they are first
 * touched, and each keeps its pages in place, so that what a policy sees of neighbours stays true.
 */
export class DenseBlocks {
  private readonly blocks = new Map<number, number>();
  private readonly blockPages: number;
  private last = -1;
  private lastStart = 0;

  /**
   * @param pageSize in bytes
   * @throws RangeError for one that is no power of two from 512 bytes to 1 GiB
   */
  constructor(pageSize: number) {
    if (!isTracePageSize(pageSize))
      throw new RangeError(`pageSize must be a power of two from 512 to 2^30, got ${String(pageSize)}`);
    this.blockPages = Math.max(1, BLOCK_BYTES / pageSize);
  }

  /** The small number of a page; -1 when there are no more numbers below 2^32. */
  pageOf(page: number): number {
    const block = Math.floor(page / this.blockPages);
    if (block !== this.last) {
      let index = this.blocks.get(block);
      if (index === undefined) {
        index = this.blocks.size;
        if ((index + 1) * this.blockPages > 2 ** 32) return -1;
        this.blocks.set(block, index);
      }
      this.last = block;
      this.lastStart = index * this.blockPages;
    }
    return this.lastStart + (page - block * this.blockPages);
  }
}
