const EMPTY = -1;

/** Loads need not set the accessed bit again. */
export const TLB_ACCESSED = 1;
/** Stores need not check rights nor set the dirty bit again. */
export const TLB_DIRTY = 2;

/**
 * A direct-mapped cache of translations, in pages of the smallest size. It keeps what it cached until told to flush, even
 * when the page table changed: nothing here looks at the table.
 */
export class Tlb {
  readonly mask: number;
  readonly pages: Float64Array;
  readonly frames: Uint32Array;
  readonly flags: Uint8Array;

  /** @param entries a power of two */
  constructor(entries: number) {
    this.mask = entries - 1;
    this.pages = new Float64Array(entries).fill(EMPTY);
    this.frames = new Uint32Array(entries);
    this.flags = new Uint8Array(entries);
  }

  flushAll(): void {
    this.pages.fill(EMPTY);
  }

  /** Flushes `count` pages from `page`. */
  flush(page: number, count: number): void {
    if (count > this.mask) {
      for (let i = 0; i <= this.mask; i++) {
        if (this.pages[i]! >= page && this.pages[i]! < page + count) this.pages[i] = EMPTY;
      }
      return;
    }
    for (let p = page; p < page + count; p++) if (this.pages[p & this.mask] === p) this.pages[p & this.mask] = EMPTY;
  }

  /** The bits of these pages were read and cleared: the next access has to set them again. */
  forgetBits(page: number, count: number): void {
    for (let p = page; p < page + count; p++) if (this.pages[p & this.mask] === p) this.flags[p & this.mask] = 0;
  }
}
