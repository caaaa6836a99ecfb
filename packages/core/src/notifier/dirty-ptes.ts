const FIRST_CAPACITY = 64;

/**
 * The map of dirty PTEs: entries that changed on the CPU side and that a device still holds, waiting for the flush that
 * tells it. Marking is synchronous and allocates nothing in steady state (R4); the flush takes them all at once.
 * Source: Benjamin Herrenschmidt's answer to the 2014 RFC.
 */
export class DirtyPtes {
  /** Page numbers of the entries; only the first `length` count. */
  pages = new Float64Array(FIRST_CAPACITY);
  /** What each entry mapped: the number that the page (its host frame) had when it was marked. */
  contents = new Uint32Array(FIRST_CAPACITY);
  /** Entries marked. */
  length = 0;

  /** Marks one entry. */
  mark(page: number, content: number): void {
    if (this.length === this.contents.length) this.grow();
    this.pages[this.length] = page;
    this.contents[this.length] = content;
    this.length++;
  }

  /** Forgets all marks and keeps the room. */
  clear(): void {
    this.length = 0;
  }

  /** Bytes of memory the map takes. */
  get bytes(): number {
    return this.pages.byteLength + this.contents.byteLength;
  }

  private grow(): void {
    const pages = new Float64Array(this.length * 2);
    pages.set(this.pages);
    this.pages = pages;
    const contents = new Uint32Array(this.length * 2);
    contents.set(this.contents);
    this.contents = contents;
  }
}
