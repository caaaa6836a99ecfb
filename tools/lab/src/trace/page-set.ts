/** A set of page numbers, a bit each: 512 MiB where all 2^32 are possible. */
export class PageSet {
  /** How many pages are in it. */
  size = 0;
  /** The greatest page number + 1. */
  extent = 0;
  private words = new Uint32Array(1024);

  add(page: number): void {
    const word = page >>> 5;
    if (word >= this.words.length) this.grow(word);
    const bit = 1 << (page & 31);
    if ((this.words[word]! & bit) !== 0) return;
    this.words[word]! |= bit;
    this.size++;
    if (page >= this.extent) this.extent = page + 1;
  }

  has(page: number): boolean {
    return ((this.words[page >>> 5] ?? 0) & (1 << (page & 31))) !== 0;
  }

  /** Calls `each` with every run of neighbours, of up to `most` pages, in order. */
  async runs(most: number, each: (from: number, count: number) => Promise<void>): Promise<void> {
    for (let from = 0; from < this.extent; from++) {
      if (!this.has(from)) continue;
      let count = 1;
      while (count < most && this.has(from + count)) count++;
      await each(from, count);
      from += count - 1;
    }
  }

  private grow(word: number): void {
    const words = new Uint32Array(Math.min(2 ** 27, Math.max(word + 1, this.words.length * 2)));
    words.set(this.words);
    this.words = words;
  }
}
