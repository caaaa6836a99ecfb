const FIRST_CAPACITY = 64;

/**
 * A growable list of pages for commands, as parallel columns. Reused between submissions: once grown it allocates nothing.
 * Which columns mean something depends on the list's use.
 */
export class PageMoves {
  /** Page numbers of the space. */
  pages = new Float64Array(FIRST_CAPACITY);
  /** Device frames. */
  frames = new Uint32Array(FIRST_CAPACITY);
  /** Host frames: the pages' own numbers, or ZERO_FRAME. */
  hosts = new Uint32Array(FIRST_CAPACITY);
  /** Access bits or cancel reasons that go to the device. */
  codes = new Uint8Array(FIRST_CAPACITY);
  /** Accessed and dirty bits that come back. */
  bits = new Uint8Array(FIRST_CAPACITY);
  length = 0;

  /** Appends one page. */
  push(page: number, frame: number, host: number, code: number): void {
    if (this.length === this.frames.length) this.grow();
    const at = this.length++;
    this.pages[at] = page;
    this.frames[at] = frame;
    this.hosts[at] = host;
    this.codes[at] = code;
    this.bits[at] = 0;
  }

  /** Whether a page is on the list. */
  has(page: number): boolean {
    return this.pages.subarray(0, this.length).includes(page);
  }

  /** Takes the page at an index out; those behind it move up. */
  remove(at: number): void {
    for (const column of [this.pages, this.frames, this.hosts, this.codes, this.bits])
      column.copyWithin(at, at + 1, this.length);
    this.length--;
  }

  /** Puts the page at an index to one before it, over what is there. */
  move(from: number, to: number): void {
    if (from === to) return;
    this.pages[to] = this.pages[from]!;
    this.frames[to] = this.frames[from]!;
    this.hosts[to] = this.hosts[from]!;
    this.codes[to] = this.codes[from]!;
    this.bits[to] = this.bits[from]!;
  }

  /** Forgets all pages and keeps the room. */
  clear(): void {
    this.length = 0;
  }

  /** Makes room for so many pages in all. */
  reserve(length: number): void {
    if (length > this.frames.length) this.grow(Math.max(length, this.frames.length * 2));
  }

  /** Writes the frames of another list behind the last page, with some bits; they do not count as on the list. There must be room. */
  writeBehind({ frames, hosts, length }: PageMoves, bits: number): void {
    this.frames.set(frames.subarray(0, length), this.length);
    this.hosts.set(hosts.subarray(0, length), this.length);
    this.bits.fill(bits, this.length, this.length + length);
  }

  private grow(capacity = this.frames.length * 2): void {
    const pages = new Float64Array(capacity);
    pages.set(this.pages);
    this.pages = pages;
    const frames = new Uint32Array(capacity);
    frames.set(this.frames);
    this.frames = frames;
    const hosts = new Uint32Array(capacity);
    hosts.set(this.hosts);
    this.hosts = hosts;
    const codes = new Uint8Array(capacity);
    codes.set(this.codes);
    this.codes = codes;
    const bits = new Uint8Array(capacity);
    bits.set(this.bits);
    this.bits = bits;
  }
}
