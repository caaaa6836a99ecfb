import type { IdList } from './id-list.js';
import { readAhead } from './read-ahead.js';

const LEAF_SHIFT = 3;
/** Pages of a leaf: neighbours from one multiple of it to the next. */
export const LEAF_PAGES = 1 << LEAF_SHIFT;
const LEAF_MASK = LEAF_PAGES - 1;
const FIRST_LEAVES = 8;
const FIRST_HASH_BITS = 4;
/** Up to this many leaves the arrays double; beyond, slack would cost more than copying. */
const DOUBLE_UP_TO = 1024;
const GROWTH_SHIFT = 3;
/** Share of the hash table that may be in use. */
const MAX_LOAD = 0.7;
const NO_LEAF = -1;
/** Words of a leaf: its entries, and its key in two words, side by side so that a lookup meets one cache line or two neighbours. */
const LEAF_WORDS = LEAF_PAGES + 2;
/** Word of a leaf with the low 32 bits of its key; of a free leaf, the next free one. */
const KEY_LOW = LEAF_PAGES;
/** Word of a leaf with the rest of its key, and above it the number of entries that are not 0. */
const KEY_HIGH = LEAF_PAGES + 1;
const POPULATION_SHIFT = 16;
const HIGH_MASK = (1 << POPULATION_SHIFT) - 1;
const WORD = 2 ** 32;
const PER_WORD = 1 / WORD;

/** First page number that a PageTable cannot hold. */
export const PAGE_NUMBER_LIMIT = 2 ** 50;

/**
 * A sparse map from page numbers to one u32 entry a page, 0 meaning none; the caller gives the other values a meaning.
 *
 * Pages live in leaves of eight neighbours, found through one open-addressing hash table. The *slot* of a page,
 * leaf * 8 + page % 8, is a small dense integer that stays the same until the leaf is released, so a caller may keep more
 * about a page in arrays of its own, indexed by slot. Page numbers are integers in 0 … PAGE_NUMBER_LIMIT - 1, unchecked.
 */
export class PageTable {
  private leaves = new Uint32Array(FIRST_LEAVES * LEAF_WORDS);
  /** Leaf + 1 at the hash of its key, or after it; 0 is empty. */
  private hash = new Uint32Array(1 << FIRST_HASH_BITS);
  private hashShift = 32 - FIRST_HASH_BITS;
  private freeLeaf = NO_LEAF;
  private leavesMade = 0;
  private liveLeaves = 0;
  private lastLeaf = -1;
  private populated = 0;
  /** Where the search for each page's leaf begins; used within `getAll`. */
  private homes = new Int32Array(0);

  /** Number of pages whose entry is not 0. */
  get size(): number {
    return this.populated;
  }

  /** One more than the greatest slot handed out so far: the length that arrays indexed by slot need. */
  get slotLimit(): number {
    return this.leavesMade << LEAF_SHIFT;
  }

  /** Bytes of memory that the arrays take. */
  get bytes(): number {
    return this.leaves.byteLength + this.hash.byteLength;
  }

  /** The slot of `page`, or -1 when its leaf does not exist; the entry there may be 0. */
  find(page: number): number {
    const low = lowOf(page);
    const high = highOf(page);
    const last = this.lastLeaf;
    if (last >= 0 && this.holds(last, low, high)) return (last << LEAF_SHIFT) | (page & LEAF_MASK);
    const leaf = this.findLeaf(low, high);
    if (leaf < 0) return -1;
    this.lastLeaf = leaf;
    return (leaf << LEAF_SHIFT) | (page & LEAF_MASK);
  }

  /** All entries; where those of a page are, {@link placeOf} says. Valid until a leaf is made. */
  get words(): Uint32Array {
    return this.leaves;
  }

  /**
   * Where the entry of `page` is in {@link words}, with those of its neighbours up to the next multiple of `LEAF_PAGES` behind it; -1 when its leaf
   * does not exist. Quick for one leaf after the other.
   */
  placeOf(page: number): number {
    const next = this.lastLeaf + 1;
    const isNext =
      next < this.leavesMade && this.populationOf(next) !== 0 && this.holds(next, lowOf(page), highOf(page));
    if (isNext) this.lastLeaf = next;
    else if (this.find(page) < 0) return -1;
    return this.lastLeaf * LEAF_WORDS + (page & LEAF_MASK);
  }

  /** The slot of `page`; makes its leaf when there is none. A leaf that stays empty should be released. */
  ensure(page: number): number {
    const slot = this.find(page);
    if (slot >= 0) return slot;
    const leaf = this.addLeaf(lowOf(page), highOf(page));
    this.lastLeaf = leaf;
    return (leaf << LEAF_SHIFT) | (page & LEAF_MASK);
  }

  /** The entry at a slot. */
  entry(slot: number): number {
    return this.leaves[wordOf(slot)]!;
  }

  /** The entry of `page`: 0 when there is none. */
  get(page: number): number {
    const slot = this.find(page);
    return slot < 0 ? 0 : this.leaves[wordOf(slot)]!;
  }

  /**
   * The entries of the pages `base + numbers[i]`, for the first `count`, into `out`.
   */
  getAll(base: number, numbers: Float64Array, count: number, out: Int32Array): void {
    const { hash, leaves, hashShift } = this;
    if (count > this.homes.length) this.homes = new Int32Array(count);
    const { homes } = this;
    let read = 0;
    for (let i = 0; i < count; i++) {
      const page = base + numbers[i]!;
      const home = hashOf(lowOf(page), highOf(page)) >>> hashShift;
      homes[i] = home;
      read |= hash[home]!;
    }
    for (let i = 0; i < count; i++) {
      // Where the place is empty, any leaf will do.
      read |= leaves[Math.max(0, hash[homes[i]!]! - 1) * LEAF_WORDS + KEY_LOW]!;
    }
    readAhead[0] = read;
    for (let i = 0; i < count; i++) {
      const page = base + numbers[i]!;
      const leaf = hash[homes[i]!]! - 1;
      const found = leaf >= 0 && this.holds(leaf, lowOf(page), highOf(page));
      out[i] = found ? leaves[leaf * LEAF_WORDS + (page & LEAF_MASK)]! : this.get(page);
    }
  }

  /** Sets the entry at a slot to a u32. Clearing a leaf's last entry leaves the leaf in place, until `release`. */
  setEntry(slot: number, value: number): void {
    const { leaves } = this;
    const word = wordOf(slot);
    const change = Number(value !== 0) - Number(leaves[word] !== 0);
    leaves[word] = value;
    if (change !== 0) {
      leaves[(slot >>> LEAF_SHIFT) * LEAF_WORDS + KEY_HIGH]! += change * (1 << POPULATION_SHIFT);
      this.populated += change;
    }
  }

  /** Sets the entry of `page` to a u32 other than 0, and returns the page's slot. */
  set(page: number, value: number): number {
    const slot = this.ensure(page);
    this.setEntry(slot, value);
    return slot;
  }

  /** Clears the entry of `page` and releases its leaf when that empties it; returns the entry that was there. */
  delete(page: number): number {
    const slot = this.find(page);
    if (slot < 0) return 0;
    const entry = this.entry(slot);
    this.setEntry(slot, 0);
    this.release(slot);
    return entry;
  }

  /** Frees the leaf of a slot when all its entries are 0, and says whether it did; its slots are then stale. */
  release(slot: number): boolean {
    const leaf = slot >>> LEAF_SHIFT;
    if (this.populationOf(leaf) !== 0) return false;
    this.removeFromHash(leaf);
    if (this.lastLeaf === leaf) this.lastLeaf = -1;
    this.leaves[leaf * LEAF_WORDS + KEY_LOW] = this.freeLeaf;
    this.freeLeaf = leaf;
    this.liveLeaves--;
    return true;
  }

  /** Reads ahead what `pageOfSlot` needs for the first `count` of these numbers, each a slot + 1. */
  readAheadSlots(numbers: Uint32Array, count: number): void {
    const { leaves } = this;
    let read = 0;
    for (let i = 0; i < count; i++) {
      const at = ((numbers[i]! - 1) >>> LEAF_SHIFT) * LEAF_WORDS + KEY_LOW;
      if (at < leaves.length) read |= leaves[at]!;
    }
    readAhead[0] = read;
  }

  /** The number of the page that a slot stands for. */
  pageOfSlot(slot: number): number {
    return this.keyOfLeaf(slot >>> LEAF_SHIFT) * LEAF_PAGES + (slot & LEAF_MASK);
  }

  /**
   * The slot of the first populated page in `page` … `end` - 1, or -1. Costs a probe for every eight pages passed over:
   * where the range may be large and sparse, `collect` is the one to use.
   */
  nextSlot(page: number, end: number): number {
    let at = page;
    while (at < end) {
      const slot = this.find(at);
      const leafEnd = (Math.floor(at * (1 / LEAF_PAGES)) + 1) * LEAF_PAGES;
      if (slot >= 0 && this.populationOf(slot >>> LEAF_SHIFT) !== 0) {
        const stop = slot + Math.min(leafEnd, end) - at;
        for (let s = slot; s < stop; s++) if (this.entry(s) !== 0) return s;
      }
      at = leafEnd;
    }
    return -1;
  }

  /**
   * Appends the slots of all populated pages in `start` … `end` - 1 to `out`, in page order, and returns how many.
   * Costs what is spanned or what exists, whichever is less.
   */
  collect(start: number, end: number, out: IdList): number {
    if (!(start < end)) return 0;
    const before = out.length;
    const firstKey = Math.floor(start * (1 / LEAF_PAGES));
    const lastKey = Math.floor((end - 1) * (1 / LEAF_PAGES));
    if (lastKey - firstKey < this.leavesMade) {
      for (let key = firstKey; key <= lastKey; key++) this.collectLeaf(key, start, end, out);
    } else {
      const keys = this.keysBetween(firstKey, lastKey);
      for (let i = 0; i < keys.length; i++) this.collectLeaf(keys[i]!, start, end, out);
    }
    return out.length - before;
  }

  /** Forgets all pages and gives the memory back. */
  clear(): void {
    this.leaves = new Uint32Array(FIRST_LEAVES * LEAF_WORDS);
    this.hash = new Uint32Array(1 << FIRST_HASH_BITS);
    this.hashShift = 32 - FIRST_HASH_BITS;
    this.freeLeaf = NO_LEAF;
    this.leavesMade = 0;
    this.liveLeaves = 0;
    this.lastLeaf = -1;
    this.populated = 0;
  }

  private collectLeaf(key: number, start: number, end: number, out: IdList): void {
    const leaf = this.findLeaf(key | 0, (key * PER_WORD) | 0);
    if (leaf < 0 || this.populationOf(leaf) === 0) return;
    const page = key * LEAF_PAGES;
    const slot = leaf << LEAF_SHIFT;
    const stop = Math.min(LEAF_PAGES, end - page);
    for (let i = Math.max(0, start - page); i < stop; i++) if (this.entry(slot + i) !== 0) out.push(slot + i);
  }

  /** The keys of the leaves with populated pages in a range of keys, both ends included, in ascending order. */
  private keysBetween(first: number, last: number): Float64Array {
    const keys = new Float64Array(this.liveLeaves);
    let count = 0;
    for (let leaf = 0; leaf < this.leavesMade; leaf++) {
      const key = this.keyOfLeaf(leaf);
      if (this.populationOf(leaf) !== 0 && key >= first && key <= last) keys[count++] = key;
    }
    return keys.subarray(0, count).sort();
  }

  private populationOf(leaf: number): number {
    return this.leaves[leaf * LEAF_WORDS + KEY_HIGH]! >>> POPULATION_SHIFT;
  }

  private keyOfLeaf(leaf: number): number {
    const { leaves } = this;
    const at = leaf * LEAF_WORDS;
    return (leaves[at + KEY_HIGH]! & HIGH_MASK) * WORD + leaves[at + KEY_LOW]!;
  }

  /** Whether a leaf has this key. */
  private holds(leaf: number, low: number, high: number): boolean {
    const { leaves } = this;
    const at = leaf * LEAF_WORDS;
    return (leaves[at + KEY_LOW]! | 0) === low && (leaves[at + KEY_HIGH]! & HIGH_MASK) === high;
  }

  /** The leaf with a key, or -1. */
  private findLeaf(low: number, high: number): number {
    const { hash } = this;
    const mask = hash.length - 1;
    let at = hashOf(low, high) >>> this.hashShift;
    for (;;) {
      const leaf = hash[at]! - 1;
      if (leaf < 0 || this.holds(leaf, low, high)) return leaf;
      at = (at + 1) & mask;
    }
  }

  /** Makes a leaf with a key. */
  private addLeaf(low: number, high: number): number {
    if (this.liveLeaves >= this.hash.length * MAX_LOAD) this.growHash();
    let leaf = this.freeLeaf;
    if (leaf !== NO_LEAF) {
      this.freeLeaf = this.leaves[leaf * LEAF_WORDS + KEY_LOW]! | 0;
    } else {
      if (this.leavesMade * LEAF_WORDS === this.leaves.length) this.growLeaves();
      leaf = this.leavesMade++;
    }
    this.leaves[leaf * LEAF_WORDS + KEY_LOW] = low;
    this.leaves[leaf * LEAF_WORDS + KEY_HIGH] = high;
    this.liveLeaves++;
    this.addToHash(leaf);
    return leaf;
  }

  /** Where the search for a leaf begins in the hash table. */
  private homeOf(leaf: number): number {
    const { leaves } = this;
    const at = leaf * LEAF_WORDS;
    return hashOf(leaves[at + KEY_LOW]! | 0, leaves[at + KEY_HIGH]! & HIGH_MASK) >>> this.hashShift;
  }

  private addToHash(leaf: number): void {
    const hash = this.hash;
    const mask = hash.length - 1;
    let at = this.homeOf(leaf);
    while (hash[at] !== 0) at = (at + 1) & mask;
    hash[at] = leaf + 1;
  }

  /** Takes a leaf out and moves later ones of its run back, so that no tombstones are needed (Knuth, 6.4, algorithm R). */
  private removeFromHash(leaf: number): void {
    const hash = this.hash;
    const mask = hash.length - 1;
    let hole = this.homeOf(leaf);
    while (hash[hole] !== leaf + 1) hole = (hole + 1) & mask;
    for (let at = (hole + 1) & mask; hash[at] !== 0; at = (at + 1) & mask) {
      const home = this.homeOf(hash[at]! - 1);
      if (((at - home) & mask) >= ((at - hole) & mask)) {
        hash[hole] = hash[at]!;
        hole = at;
      }
    }
    hash[hole] = 0;
  }

  private growHash(): void {
    const old = this.hash;
    this.hash = new Uint32Array(old.length * 2);
    this.hashShift--;
    for (let i = 0; i < old.length; i++) if (old[i] !== 0) this.addToHash(old[i]! - 1);
  }

  private growLeaves(): void {
    const made = this.leavesMade;
    const count = made < DOUBLE_UP_TO ? made * 2 : made + (made >> GROWTH_SHIFT);
    const leaves = new Uint32Array(count * LEAF_WORDS);
    leaves.set(this.leaves);
    this.leaves = leaves;
  }
}

/** The word of a slot's entry. */
function wordOf(slot: number): number {
  return (slot >>> LEAF_SHIFT) * LEAF_WORDS + (slot & LEAF_MASK);
}

/** The low 32 bits of the key of the leaf that holds a page, signed. */
function lowOf(page: number): number {
  return Math.floor(page * (1 / LEAF_PAGES)) | 0;
}

/** The bits of the key above them. */
function highOf(page: number): number {
  return (page * (PER_WORD / LEAF_PAGES)) | 0;
}

/**
 * A hash of a key in 32 bits. Multiplication by 2 ** 32 / golden ratio spreads runs and strides alike (Knuth, TAOCP 3, 6.4);
 * the high part keeps pages apart that lie a multiple of 2 ** 35 from each other.
 */
function hashOf(low: number, high: number): number {
  return Math.imul(low ^ Math.imul(high, 0x85ebca77), 0x9e3779b1);
}
