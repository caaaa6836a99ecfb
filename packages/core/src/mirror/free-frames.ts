const LEVELS = 3;

/**
 * Frames that were given back, the lowest first: pages that leave and come back in the order of their addresses, some or all of them, find
 * the frames that they had, and neighbours stay neighbours. A bit a frame, and above them bits that say which words have any.
 */
export class FreeFrames {
  /** How many there are. */
  count = 0;
  private readonly levels: readonly Uint32Array[];

  /** @param capacity frames of the device */
  constructor(capacity: number) {
    const levels: Uint32Array[] = [];
    for (let level = 1; level <= LEVELS; level++) levels.push(new Uint32Array(Math.ceil(capacity / 32 ** level)));
    this.levels = levels;
  }

  /** Metadata in bytes. */
  get bytes(): number {
    return this.levels.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Whether a frame is among them. */
  has(frame: number): boolean {
    return (this.levels[0]![frame >>> 5]! & (1 << (frame & 31))) !== 0;
  }

  /** Adds a frame. */
  add(frame: number): void {
    this.count++;
    let at = frame;
    for (let level = 0; level < LEVELS; level++) {
      const words = this.levels[level]!;
      const before = words[at >>> 5]!;
      words[at >>> 5] = before | (1 << (at & 31));
      if (before !== 0) return;
      at >>>= 5;
    }
  }

  /** Takes the lowest; there must be one. */
  take(): number {
    const { levels } = this;
    const top = levels[LEVELS - 1]!;
    let at = 0;
    while (top[at] === 0) at++;
    for (let level = LEVELS - 1; level >= 0; level--) at = at * 32 + lowestBit(levels[level]![at]!);
    const frame = at;
    this.count--;
    for (let level = 0; level < LEVELS; level++) {
      const words = levels[level]!;
      const rest = words[at >>> 5]! & ~(1 << (at & 31));
      words[at >>> 5] = rest;
      if (rest !== 0) break;
      at >>>= 5;
    }
    return frame;
  }

  /** Lists the lowest, as many as `out` has room for, and takes none. Returns how many. */
  peek(out: Uint32Array): number {
    const words = this.levels[0]!;
    const most = Math.min(out.length, this.count);
    let length = 0;
    for (let word = 0; length < most; word++)
      for (let rest = words[word]!; rest !== 0 && length < most; rest &= rest - 1)
        out[length++] = word * 32 + lowestBit(rest);
    return length;
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
