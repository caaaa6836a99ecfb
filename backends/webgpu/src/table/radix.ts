/** Pages a leaf has entries for: 2^9. */
const LEAF_BITS = 9;
/** Words of a leaf, and of what tables grow by. */
export const UNIT = 1 << LEAF_BITS;
/** Most children of an inner node: 2^13. */
const NODE_BITS = 13;
/** Most pages whose leaves lie side by side, in order, from the start: 2^18, with 4 KiB pages the first GiB. */
const FLAT_BITS = 18;

/** How many bits of a page number each level of a table takes, from the root to the leaves. */
export function levelsFor(pageBits: number): readonly number[] {
  const levels = [LEAF_BITS];
  for (let left = pageBits - LEAF_BITS; left > 0; left -= NODE_BITS) levels.unshift(Math.min(left, NODE_BITS));
  return levels;
}

/** Where the entries of the first pages begin, in words: what lies before is always 0, so that a walk that finds no child stays there. */
export const FLAT_AT = 1 << NODE_BITS;

/** How a table for page numbers of so many bits begins. */
export interface TableStart {
  /** Pages whose entry is at word {@link FLAT_AT} + page number. Behind them lies a unit that is always 0. */
  readonly flatPages: number;
  /** Where the root begins once there is one, in words. */
  readonly rootAt: number;
}

function tableStart(pageBits: number): TableStart {
  const flatPages = 2 ** Math.max(LEAF_BITS, Math.min(pageBits, FLAT_BITS));
  return { flatPages, rootAt: FLAT_AT + flatPages + UNIT };
}

/**
 * A radix tree from page numbers to words, all in one array so that a shader can walk it: an inner node's word is the number of
 * the unit (512 words) where the child begins; a leaf's word is an entry. Unit 0 is empty, so 0 leads to no entry.
 * The leaves of the first pages are laid out from the start, so that most spaces need one look and no walk; the root appears behind them with
 * the first page beyond. The table is kept on the CPU, which alone changes it; what changed is noted by unit, for the copy on the device.
 */
export class RadixTable {
  words: Uint32Array;
  /** Bits a level, from the root to the leaves. */
  readonly levels: readonly number[];
  readonly start: TableStart;
  /** Units in use, from 0. */
  units: number;
  /** By unit: 1 if it changed since {@link takeChanged}. */
  #changed: Uint8Array;
  #changedUnits: number[] = [];
  #lastLeafPage = -1;
  #lastLeaf = 0;

  constructor(pageBits: number) {
    this.levels = levelsFor(pageBits);
    this.start = tableStart(pageBits);
    this.units = this.start.rootAt / UNIT;
    this.words = new Uint32Array(this.start.rootAt);
    this.#changed = new Uint8Array(this.units);
  }

  /** Whether a page beyond the first ones ever had a place: programs have to walk then. */
  get deep(): boolean {
    return this.units * UNIT > this.start.rootAt;
  }

  /** Where the entry of a page is in {@link words}; -1 if it has no place. */
  find(page: number): number {
    if (page < this.start.flatPages) return FLAT_AT + page;
    const leafPage = Math.floor(page / UNIT);
    if (leafPage === this.#lastLeafPage) return this.#lastLeaf + (page & (UNIT - 1));
    const leaf = this.deep ? this.#walk(leafPage, false) : -1;
    if (leaf < 0) return -1;
    this.#lastLeafPage = leafPage;
    this.#lastLeaf = leaf;
    return leaf + (page & (UNIT - 1));
  }

  /** As {@link find}, and makes a place where there is none. */
  ensure(page: number): number {
    const slot = this.find(page);
    if (slot >= 0) return slot;
    if (!this.deep) this.#plant();
    this.#walk(Math.floor(page / UNIT), true);
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

  /** Makes the root, and leads from it to the leaves that are there already. */
  #plant(): void {
    this.#grow(unitsOf(this.levels[0]!));
    for (let leafPage = 0; leafPage < this.start.flatPages / UNIT; leafPage++)
      this.set(this.#parent(leafPage, true), FLAT_AT / UNIT + leafPage);
  }

  /** Walks from the root to a leaf; returns where it begins, or -1. */
  #walk(leafPage: number, make: boolean): number {
    const slot = this.#parent(leafPage, make);
    if (slot < 0) return -1;
    if (this.words[slot] === 0) {
      if (!make) return -1;
      this.set(slot, this.#grow(1));
    }
    return this.words[slot]! * UNIT;
  }

  /** Where the node above a leaf names it; -1 where there is no such node. */
  #parent(leafPage: number, make: boolean): number {
    const inner = this.levels.slice(0, -1);
    let node = this.start.rootAt;
    let above = inner.reduce((sum, bits) => sum + bits, 0);
    for (let level = 0; ; level++) {
      above -= inner[level]!;
      const slot = node + (Math.floor(leafPage / 2 ** above) & ((1 << inner[level]!) - 1));
      if (level === inner.length - 1) return slot;
      if (this.words[slot] === 0) {
        if (!make) return -1;
        this.set(slot, this.#grow(unitsOf(inner[level + 1]!)));
      }
      node = this.words[slot]! * UNIT;
    }
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
