/** Blocks remembered; a power of two. */
const PLACES = 1 << 11;
/** Most units of a block. */
const UNITS = 32;
/** What is taken for granted at the beginning: most is used. */
const FIRST = 0.85;
/** Weights of one page: for its block, and for all. */
const [FAST, SLOW] = [1 / 64, 1 / 512];

/**
 * By block of address space, each in the one place that its number gives it: of what was brought ahead in units of some sizes, which share turned out worth it, lately; and when its
 * units of 64 KiB were brought. A block of which nothing is known begins with what holds for its neighbour, or for all. 152 bytes a block with four sizes, 304 KiB.
 */
export class UnitRates {
  private readonly sizes: number;
  private readonly blocks = new Float64Array(PLACES).fill(NaN);
  private readonly shares: Float32Array;
  private readonly ofAll: Float32Array;
  private readonly brought = new Uint32Array(PLACES * UNITS);

  /** @param sizes how many sizes of units there are */
  constructor(sizes: number) {
    this.sizes = sizes;
    this.shares = new Float32Array(PLACES * sizes);
    this.ofAll = new Float32Array(sizes).fill(FIRST);
  }

  /** The place of a block; what is known there of another one is forgotten. */
  place(block: number): number {
    const at = placeOf(block);
    if (this.blocks[at] === block) return at;
    const { shares, sizes } = this;
    const neighbour = this.placeOfKnown(block - 1) ?? this.placeOfKnown(block + 1);
    this.blocks[at] = block;
    for (let size = 0; size < sizes; size++)
      shares[at * sizes + size] = neighbour === undefined ? this.ofAll[size]! : shares[neighbour * sizes + size]!;
    return at;
  }

  /** The share of what came in units of a size that was worth it. */
  share(at: number, size: number): number {
    return this.shares[at * this.sizes + size]!;
  }

  /** Notes how much a page was worth that came in a unit of a size, 0 to 1. */
  note(at: number, size: number, worth: number): void {
    const { shares, sizes, ofAll } = this;
    shares[at * sizes + size]! += (worth - shares[at * sizes + size]!) * FAST;
    ofAll[size]! += (worth - ofAll[size]!) * SLOW;
  }

  /** Notes that pages of a unit are brought now. */
  bring(at: number, unit: number, now: number): void {
    this.brought[at * UNITS + unit] = now;
  }

  /** How long ago pages of a unit were brought last. */
  since(at: number, unit: number, now: number): number {
    return (now - this.brought[at * UNITS + unit]!) >>> 0;
  }

  private placeOfKnown(block: number): number | undefined {
    const at = placeOf(block);
    return this.blocks[at] === block ? at : undefined;
  }
}

function placeOf(block: number): number {
  return ((block | 0) ^ ((block / 2 ** 32) | 0)) & (PLACES - 1);
}
