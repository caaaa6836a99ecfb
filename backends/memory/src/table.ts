import { BIT_ACCESSED, BIT_DIRTY } from '@mirrorspace/core/driver';

/*
 * An entry is one 32-bit word: PTE_* bits, BIT_* bits above them, and the frame. 0 is an absent entry, since a present one
 * has PTE_READ.
 */

/** Where the `BIT_*` bits of an entry are. */
export const HARVEST_SHIFT = 4;
export const ENTRY_ACCESSED = BIT_ACCESSED << HARVEST_SHIFT;
export const ENTRY_DIRTY = BIT_DIRTY << HARVEST_SHIFT;
/** Where the frame number of an entry is. */
export const FRAME_SHIFT = 6;
/** First frame number that does not fit an entry. */
export const FRAME_LIMIT = 2 ** (32 - FRAME_SHIFT);

const CHUNK_SHIFT = 4;
const CHUNK = 1 << CHUNK_SHIFT;
const FREE = -1;
/** What {@link TableLevel.slotOf} says of a page without a place. */
export const NO_SLOT = -1;

/**
 * Entries of one page size: an open-addressed hash of chunks of 16 neighbouring pages. A dense map takes 6 to 12 bytes a
 * page, a lone page 91 to 181.
 */
export class TableLevel {
  /** Pages of the smallest size in one of this size: 2^shift. */
  readonly shift: number;
  /** Present entries; kept by whoever changes {@link entries}. */
  count = 0;
  entries: Uint32Array;
  #keys: Int32Array;
  #hashShift: number;
  #chunks = 0;
  #lastKey = FREE;
  #lastBase = 0;

  constructor(shift: number) {
    this.shift = shift;
    this.#keys = new Int32Array(4).fill(FREE);
    this.#hashShift = 30;
    this.entries = new Uint32Array(4 * CHUNK);
  }

  /** Bytes it takes, absent entries included. */
  get bytes(): number {
    return this.#keys.byteLength + this.entries.byteLength;
  }

  /** Where the entry of `page` is in {@link entries}, present or not; `NO_SLOT` if it has no place. */
  slotOf(page: number): number {
    const key = Math.floor(page / CHUNK);
    if (key === this.#lastKey) return this.#lastBase + (page & (CHUNK - 1));
    const keys = this.#keys;
    const mask = keys.length - 1;
    for (let at = Math.imul(key, 0x9e3779b1) >>> this.#hashShift; ; at = (at + 1) & mask) {
      const found = keys[at]!;
      if (found === FREE) return NO_SLOT;
      if (found !== key) continue;
      this.#lastKey = key;
      this.#lastBase = at * CHUNK;
      return this.#lastBase + (page & (CHUNK - 1));
    }
  }

  /**
   * Reads the places where the first `count` pages probably have their keys and entries, without waiting for one before the
   * next. Returns something that depends on all of it.
   */
  readAhead(pages: Float64Array, count: number): number {
    const { entries } = this;
    const keys = this.#keys;
    let read = 0;
    for (let i = 0; i < count; i++) {
      const page = pages[i]!;
      const at = Math.imul(Math.floor(page / CHUNK), 0x9e3779b1) >>> this.#hashShift;
      read |= keys[at]! | entries[at * CHUNK + (page & (CHUNK - 1))]!;
    }
    return read;
  }

  /** As {@link slotOf}, and makes a place where there is none; {@link entries} may then be another array. */
  ensureSlot(page: number): number {
    const slot = this.slotOf(page);
    if (slot !== NO_SLOT) return slot;
    if ((this.#chunks + 1) * 4 > this.#keys.length * 3) this.#rehash();
    this.#insert(Math.floor(page / CHUNK));
    return this.slotOf(page);
  }

  #insert(key: number): number {
    const mask = this.#keys.length - 1;
    let at = Math.imul(key, 0x9e3779b1) >>> this.#hashShift;
    while (this.#keys[at] !== FREE) at = (at + 1) & mask;
    this.#keys[at] = key;
    this.#chunks++;
    return at * CHUNK;
  }

  /** Drops chunks that became empty; doubles the table if it is still more than 3/8 full. */
  #rehash(): void {
    const { entries } = this;
    const keys = this.#keys;
    const live: number[] = [];
    for (let at = 0; at < keys.length; at++) if (keys[at] !== FREE && this.#inUse(at * CHUNK)) live.push(at);
    const length = live.length * 8 > keys.length * 3 ? keys.length * 2 : keys.length;
    this.#keys = new Int32Array(length).fill(FREE);
    this.#hashShift = 1 + Math.clz32(length);
    this.entries = new Uint32Array(length * CHUNK);
    this.#chunks = 0;
    this.#lastKey = FREE;
    for (const at of live) {
      const to = this.#insert(keys[at]!);
      for (let i = 0, from = at * CHUNK; i < CHUNK; i++) this.entries[to + i] = entries[from + i]!;
    }
  }

  #inUse(base: number): boolean {
    for (let i = 0; i < CHUNK; i++) if (this.entries[base + i] !== 0) return true;
    return false;
  }
}

/** A device page table with entries of several sizes at once, found from the largest size to the smallest. */
export class PageTable {
  readonly #sizes: readonly number[];
  readonly #levels: TableLevel[];
  /** What {@link find} found: level and slot of the entry, and the smallest-size frame of the page asked for. */
  #foundLevel: TableLevel;
  #foundSlot = 0;
  foundFrame = 0;

  /** @param sizes page sizes in bytes, ascending */
  constructor(sizes: readonly number[]) {
    this.#sizes = sizes;
    this.#levels = sizes.map((size) => new TableLevel(Math.log2(size / sizes[0]!)));
    this.#foundLevel = this.#levels[0]!;
  }

  /** Bytes it takes, absent entries included. */
  get bytes(): number {
    return this.#levels.reduce((sum, level) => sum + level.bytes, 0);
  }

  /** The entries of one page size. */
  level(size: number): TableLevel {
    return this.#levels[this.#sizes.indexOf(size)]!;
  }

  /** Finds the entry that translates `page`, in units of the smallest size; `false` if there is none. */
  find(page: number): boolean {
    for (let i = this.#levels.length - 1; i >= 0; i--) {
      const level = this.#levels[i]!;
      if (level.count === 0) continue;
      const ratio = 1 << level.shift;
      const slot = level.slotOf(level.shift === 0 ? page : Math.floor(page / ratio));
      if (slot === NO_SLOT || level.entries[slot] === 0) continue;
      this.#foundLevel = level;
      this.#foundSlot = slot;
      this.foundFrame = (level.entries[slot]! >>> FRAME_SHIFT) * ratio + (page & (ratio - 1));
      return true;
    }
    return false;
  }

  /** The entry found last. */
  get found(): number {
    return this.#foundLevel.entries[this.#foundSlot]!;
  }

  /** Adds `ENTRY_*` bits to the entry found last. */
  mark(bits: number): void {
    this.#foundLevel.entries[this.#foundSlot]! |= bits;
  }

  /** Whether an entry of another size covers some of `page`, of `size` bytes: two sizes never overlap. */
  overlaps(page: number, size: number): boolean {
    const own = this.level(size);
    for (const level of this.#levels) {
      if (level === own || level.count === 0) continue;
      if (level.shift > own.shift) {
        if (present(level, Math.floor(page / (1 << (level.shift - own.shift))))) return true;
      } else {
        const ratio = 1 << (own.shift - level.shift);
        for (let i = 0; i < ratio; i++) if (present(level, page * ratio + i)) return true;
      }
    }
    return false;
  }

  /** Whether there are entries of other sizes than `size` at all. */
  hasOthers(size: number): boolean {
    return this.#levels.some((level, i) => this.#sizes[i] !== size && level.count > 0);
  }

  /** Calls `each` with the size in bytes and the frame of every present entry. */
  forEach(each: (size: number, frame: number) => void): void {
    this.#levels.forEach((level, i) => {
      for (const entry of level.entries) if (entry !== 0) each(this.#sizes[i]!, entry >>> FRAME_SHIFT);
    });
  }
}

function present(level: TableLevel, page: number): boolean {
  const slot = level.slotOf(page);
  return slot !== NO_SLOT && level.entries[slot] !== 0;
}
