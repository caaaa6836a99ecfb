/** Frames a leaf has. */
const LEAF = 4096;
const SHIFT = 12;
const WORDS = LEAF / 32;
/** Leaves that one list of them has. */
const LIST_SHIFT = 12;
const LIST_MASK = (1 << LIST_SHIFT) - 1;

type Leaves = (Uint32Array | undefined)[];

/** One bit a frame, or place. Those that nobody set cost nothing: leaves of 4,096 are made when one of them is set. */
export class FrameBits {
  private readonly lists: (Leaves | undefined)[] = [];
  private made = 0;
  private slots = 0;

  get bytes(): number {
    return this.made * WORDS * 4 + (this.lists.length + this.slots) * 8;
  }

  has(frame: number): boolean {
    const leaf = this.leaf(frame >>> SHIFT);
    return leaf !== undefined && (leaf[(frame & (LEAF - 1)) >>> 5]! & (1 << (frame & 31))) !== 0;
  }

  set(frame: number): void {
    this.leafOf(frame)[(frame & (LEAF - 1)) >>> 5]! |= 1 << (frame & 31);
  }

  clear(frame: number): void {
    const leaf = this.leaf(frame >>> SHIFT);
    if (leaf !== undefined) leaf[(frame & (LEAF - 1)) >>> 5]! &= ~(1 << (frame & 31));
  }

  setRange(first: number, count: number): void {
    for (let frame = first; frame < first + count; frame++) this.set(frame);
  }

  /** Clears `count` bits. Returns how many were set. */
  clearRange(first: number, count: number): number {
    let cleared = 0;
    for (let frame = first; frame < first + count;) {
      const leaf = this.leaf(frame >>> SHIFT);
      const end = Math.min(first + count, ((frame >>> SHIFT) + 1) * LEAF);
      if (leaf !== undefined && frame % LEAF === 0 && end % LEAF === 0) {
        cleared += population(leaf);
        this.lists[frame >>> (SHIFT + LIST_SHIFT)]![(frame >>> SHIFT) & LIST_MASK] = undefined;
        this.made--;
      } else if (leaf !== undefined) {
        for (let at = frame; at < end; at++) {
          if (!this.has(at)) continue;
          cleared++;
          this.clear(at);
        }
      }
      frame = end;
    }
    return cleared;
  }

  private leaf(at: number): Uint32Array | undefined {
    return this.lists[at >>> LIST_SHIFT]?.[at & LIST_MASK];
  }

  private leafOf(frame: number): Uint32Array {
    const at = frame >>> SHIFT;
    const leaf = this.leaf(at);
    if (leaf !== undefined) return leaf;
    // One by one: a gap would make an array a dictionary.
    while (this.lists.length <= at >>> LIST_SHIFT) this.lists.push(undefined);
    const list = (this.lists[at >>> LIST_SHIFT] ??= []);
    while (list.length <= (at & LIST_MASK)) {
      list.push(undefined);
      this.slots++;
    }
    this.made++;
    return (list[at & LIST_MASK] = new Uint32Array(WORDS));
  }
}

function population(words: Uint32Array): number {
  let count = 0;
  for (let word of words) {
    word -= (word >>> 1) & 0x55555555;
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
    count += (((word + (word >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
  }
  return count;
}
