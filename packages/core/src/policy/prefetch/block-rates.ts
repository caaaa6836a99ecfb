/** Blocks remembered; a power of two. */
const PLACES = 1 << 12;
/** What is taken for granted at the beginning: much is used. */
const [FIRST_USED, FIRST_BRIDGED] = [0.75, 0.7];
/** Weights of one page, for its block and for all. */
const [FAST, SLOW] = [1 / 64, 1 / 512];

/**
 * By block of address space, each in the one place that its number gives it: the share of what was brought ahead that was used, lately, of units and of gaps between them by themselves; and
 * which of its up to 32 units were met before. A block of which nothing is known begins with what holds for its neighbour, or for all. 20 bytes a block, 80 KiB.
 */
export class BlockRates {
  private readonly blocks = new Float64Array(PLACES).fill(NaN);
  private readonly usedShares = new Float32Array(PLACES);
  private readonly bridgedShares = new Float32Array(PLACES);
  private readonly units = new Uint32Array(PLACES);
  private usedOfAll = FIRST_USED;
  private bridgedOfAll = FIRST_BRIDGED;

  /** The place of a block, whose former block is forgotten. */
  place(block: number): number {
    const at = placeOf(block);
    if (this.blocks[at] === block) return at;
    const neighbour = this.placeOfKnown(block - 1) ?? this.placeOfKnown(block + 1);
    const used = neighbour === undefined ? this.usedOfAll : this.usedShares[neighbour]!;
    const bridged = neighbour === undefined ? this.bridgedOfAll : this.bridgedShares[neighbour]!;
    this.blocks[at] = block;
    this.usedShares[at] = used;
    this.bridgedShares[at] = bridged;
    this.units[at] = 0;
    return at;
  }

  /** The share of the pages beside faults that was used. */
  used(at: number): number {
    return this.usedShares[at]!;
  }

  /** The share of the pages in gaps that was used. */
  bridged(at: number): number {
    return this.bridgedShares[at]!;
  }

  /** Notes what became of a page that was brought ahead. */
  note(block: number, used: boolean, isBridge: boolean): void {
    const at = this.place(block);
    const now = Number(used);
    if (isBridge) {
      this.bridgedShares[at]! += (now - this.bridgedShares[at]!) * FAST;
      this.bridgedOfAll += (now - this.bridgedOfAll) * SLOW;
    } else {
      this.usedShares[at]! += (now - this.usedShares[at]!) * FAST;
      this.usedOfAll += (now - this.usedOfAll) * SLOW;
    }
  }

  /** Notes that a unit is met; returns whether it was not before. */
  meet(at: number, unit: number): boolean {
    const bit = 1 << unit;
    const before = this.units[at]!;
    this.units[at] = before | bit;
    return (before & bit) === 0;
  }

  private placeOfKnown(block: number): number | undefined {
    const at = placeOf(block);
    return this.blocks[at] === block ? at : undefined;
  }
}

function placeOf(block: number): number {
  return ((block | 0) ^ ((block / 2 ** 32) | 0)) & (PLACES - 1);
}
