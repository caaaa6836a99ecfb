/** Pages a leaf has entries for: 2^9. */
export const LEAF_BITS = 9;
/** Words of a leaf, and of what tables grow by. */
export const UNIT = 1 << LEAF_BITS;
/** Most children of an inner node: 2^13. */
const NODE_BITS = 13;

/** How many bits of a page number each level of a table takes, from the root to the leaves. */
export function levelsFor(pageBits: number): readonly number[] {
  const levels = [LEAF_BITS];
  for (let left = pageBits - LEAF_BITS; left > 0; left -= NODE_BITS) levels.unshift(Math.min(left, NODE_BITS));
  return levels;
}

/**
 * A radix tree from page numbers to words, all in one array so that a shader can walk it: an inner node's word is the number of
 * the unit (512 words) where the child begins, 0 for none; a leaf's word is an entry. The root begins at unit 0.
 * It is kept on the CPU, which alone changes it; what changed is noted by unit, for the copy on the device.
 */
export class RadixTable {
  words: Uint32Array;
  /** Bits a level, from the root to the leaves. */
  readonly levels: readonly number[];
  /** Units in use, from 0. */
  units: number;
  /** By unit: 1 if it changed since {@link takeChanged}. */
  #changed: Uint8Array;
  #changedUnits: number[] = [];
  #lastLeafPage = -1;
  #lastLeaf = 0;

  constructor(pageBits: number) {
    this.levels = levelsFor(pageBits);
    this.units = unitsOf(this.levels[0]!);
    const capacity = 2 ** Math.ceil(Math.log2(this.units + 16));
    this.words = new Uint32Array(capacity * UNIT);
    this.#changed = new Uint8Array(capacity);
  }

  /** Where the entry of a page is in {@link words}; -1 if it has no place. */
  find(page: number): number {
    const leafPage = Math.floor(page / UNIT);
    if (leafPage === this.#lastLeafPage) return this.#lastLeaf + (page & (UNIT - 1));
    const leaf = this.#walk(page, false);
    if (leaf < 0) return -1;
    this.#lastLeafPage = leafPage;
    this.#lastLeaf = leaf;
    return leaf + (page & (UNIT - 1));
  }

  /** As {@link find}, and makes a place where there is none. */
  ensure(page: number): number {
    const slot = this.find(page);
    if (slot >= 0) return slot;
    this.#walk(page, true);
    return this.find(page);
  }

  /** Changes a word. */
  set(slot: number, word: number): void {
    this.words[slot] = word;
    this.#note(slot >>> LEAF_BITS);
  }

  /** The units that changed since the last call, ascending. */
  takeChanged(): readonly number[] {
    const changed = this.#changedUnits.sort((a, b) => a - b);
    for (const unit of changed) this.#changed[unit] = 0;
    this.#changedUnits = [];
    return changed;
  }

  /** Walks from the root to the leaf of a page; returns where it begins, or -1. */
  #walk(page: number, make: boolean): number {
    const { levels } = this;
    let node = 0;
    let above = levels.reduce((sum, bits) => sum + bits, 0);
    for (let level = 0; level < levels.length - 1; level++) {
      above -= levels[level]!;
      const slot = node + (Math.floor(page / 2 ** above) & ((1 << levels[level]!) - 1));
      if (this.words[slot] === 0) {
        if (!make) return -1;
        this.set(slot, this.#grow(unitsOf(levels[level + 1]!)));
      }
      node = this.words[slot]! * UNIT;
    }
    return node;
  }

  /** Takes consecutive new units; returns the first. */
  #grow(count: number): number {
    const first = this.units;
    this.units += count;
    if (this.units * UNIT > this.words.length) {
      const words = new Uint32Array(Math.max(this.words.length * 2, this.units * UNIT));
      words.set(this.words);
      this.words = words;
      const changed = new Uint8Array(words.length / UNIT);
      changed.set(this.#changed);
      this.#changed = changed;
    }
    return first;
  }

  #note(unit: number): void {
    if (this.#changed[unit] === 1) return;
    this.#changed[unit] = 1;
    this.#changedUnits.push(unit);
  }
}

function unitsOf(bits: number): number {
  return Math.max(1, 2 ** (bits - LEAF_BITS));
}
