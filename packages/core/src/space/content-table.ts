const FIRST_BITS = 8;
/** Share of the table that may be in use. */
const MAX_LOAD = 0.6;
/** Words of an entry: two of the hash, and the page + 1, or 0 where the entry is free. */
const ENTRY_WORDS = 3;

/** Which page was last seen with which contents, by a hash of 64 bits. Only ever grows: made for one pass. */
export class ContentTable {
  private entries = new Uint32Array(ENTRY_WORDS << FIRST_BITS);
  private mask = (1 << FIRST_BITS) - 1;
  private used = 0;

  /** The page noted for a hash, or -1. What it says of the contents is for the caller to check. */
  get(low: number, high: number): number {
    return this.entries[this.find(low, high) + 2]! - 1;
  }

  /** Notes a page for a hash, in place of the one before. */
  set(low: number, high: number, page: number): void {
    let at = this.find(low, high);
    if (this.entries[at + 2] === 0 && ++this.used > (this.mask + 1) * MAX_LOAD) {
      this.grow();
      at = this.find(low, high);
    }
    const { entries } = this;
    entries[at] = low;
    entries[at + 1] = high;
    entries[at + 2] = page + 1;
  }

  /** Where the entry of a hash is, or is to be. */
  private find(low: number, high: number): number {
    const { entries, mask } = this;
    for (let place = low & mask; ; place = (place + 1) & mask) {
      const at = place * ENTRY_WORDS;
      if (entries[at + 2] === 0 || (entries[at] === low && entries[at + 1] === high)) return at;
    }
  }

  private grow(): void {
    const old = this.entries;
    this.entries = new Uint32Array(old.length * 2);
    this.mask = this.mask * 2 + 1;
    for (let at = 0; at < old.length; at += ENTRY_WORDS) {
      if (old[at + 2] === 0) continue;
      this.entries.set(old.subarray(at, at + ENTRY_WORDS), this.find(old[at]!, old[at + 1]!));
    }
  }
}
