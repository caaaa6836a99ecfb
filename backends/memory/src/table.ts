import { BIT_ACCESSED, BIT_DIRTY, PTE_READ } from '@mirrorspace/core/driver';

/** `BIT_*` are kept above the `PTE_*` bits of an entry. */
export const HARVEST_SHIFT = 4;
export const ENTRY_ACCESSED = BIT_ACCESSED << HARVEST_SHIFT;
export const ENTRY_DIRTY = BIT_DIRTY << HARVEST_SHIFT;

const CHUNK_SHIFT = 4;
const CHUNK = 1 << CHUNK_SHIFT;
const FREE = -1;
const NONE = -1;

/**
 * Entries of one page size: an open-addressed hash of chunks of 16 neighbouring pages. A dense map takes 8 to 15 bytes a
 * page, a lone page 113 to 227.
 */
class Level {
  /** Pages of the smallest size in one of this size: 2^shift. */
  readonly shift: number;
  /** Present entries. */
  count = 0;
  frames: Uint32Array;
  bits: Uint8Array;
  #keys: Int32Array;
  #hashShift: number;
  #chunks = 0;
  #lastKey = FREE;
  #lastBase = 0;

  constructor(shift: number) {
    this.shift = shift;
    this.#keys = new Int32Array(4).fill(FREE);
    this.#hashShift = 30;
    this.frames = new Uint32Array(4 * CHUNK);
    this.bits = new Uint8Array(4 * CHUNK);
  }

  get bytes(): number {
    return this.#keys.byteLength + this.frames.byteLength + this.bits.byteLength;
  }

  /** Where the entry of `page` is, present or not; `NONE` if it has no place. */
  slotOf(page: number): number {
    const key = Math.floor(page / CHUNK);
    if (key === this.#lastKey) return this.#lastBase + (page & (CHUNK - 1));
    const keys = this.#keys;
    const mask = keys.length - 1;
    for (let at = Math.imul(key, 0x9e3779b1) >>> this.#hashShift; ; at = (at + 1) & mask) {
      const found = keys[at]!;
      if (found === FREE) return NONE;
      if (found !== key) continue;
      this.#lastKey = key;
      this.#lastBase = at * CHUNK;
      return this.#lastBase + (page & (CHUNK - 1));
    }
  }

  /** As {@link slotOf}, and makes a place where there is none. */
  ensureSlot(page: number): number {
    const slot = this.slotOf(page);
    if (slot !== NONE) return slot;
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

  /** Drops chunks that became empty; doubles the table if more than half of its limit is really in use. */
  #rehash(): void {
    const { frames, bits } = this;
    const keys = this.#keys;
    const live: number[] = [];
    for (let at = 0; at < keys.length; at++) if (keys[at] !== FREE && this.#inUse(at * CHUNK)) live.push(at);
    const length = live.length * 8 > keys.length * 3 ? keys.length * 2 : keys.length;
    this.#keys = new Int32Array(length).fill(FREE);
    this.#hashShift = 1 + Math.clz32(length);
    this.frames = new Uint32Array(length * CHUNK);
    this.bits = new Uint8Array(length * CHUNK);
    this.#chunks = 0;
    this.#lastKey = FREE;
    for (const at of live) {
      const to = this.#insert(keys[at]!);
      for (let i = 0, from = at * CHUNK; i < CHUNK; i++) {
        this.frames[to + i] = frames[from + i]!;
        this.bits[to + i] = bits[from + i]!;
      }
    }
  }

  #inUse(base: number): boolean {
    for (let i = 0; i < CHUNK; i++) if (this.bits[base + i] !== 0) return true;
    return false;
  }
}

/** A device page table with entries of several sizes at once, found from the largest size to the smallest. */
export class PageTable {
  readonly #sizes: readonly number[];
  readonly #levels: Level[];
  /** What {@link find} found: level and slot of the entry, and the smallest-size frame of the page asked for. */
  #foundLevel: Level;
  #foundSlot = 0;
  foundFrame = 0;

  /** @param sizes page sizes in bytes, ascending */
  constructor(sizes: readonly number[]) {
    this.#sizes = sizes;
    this.#levels = sizes.map((size) => new Level(Math.log2(size / sizes[0]!)));
    this.#foundLevel = this.#levels[0]!;
  }

  /** Bytes of all entries, absent ones included. */
  get bytes(): number {
    return this.#levels.reduce((sum, level) => sum + level.bytes, 0);
  }

  /** Finds the entry that translates `page`, in units of the smallest size; `false` if there is none. */
  find(page: number): boolean {
    for (let i = this.#levels.length - 1; i >= 0; i--) {
      const level = this.#levels[i]!;
      if (level.count === 0) continue;
      const ratio = 1 << level.shift;
      const slot = level.slotOf(level.shift === 0 ? page : Math.floor(page / ratio));
      if (slot === NONE || level.bits[slot] === 0) continue;
      this.#foundLevel = level;
      this.#foundSlot = slot;
      this.foundFrame = (level.frames[slot]! << level.shift) + (page & (ratio - 1));
      return true;
    }
    return false;
  }

  /** `PTE_*` and `ENTRY_*` bits of the entry found last. */
  get foundBits(): number {
    return this.#foundLevel.bits[this.#foundSlot]!;
  }

  /** Adds `ENTRY_*` bits to the entry found last. */
  mark(bits: number): void {
    this.#foundLevel.bits[this.#foundSlot]! |= bits;
  }

  /** Whether an entry of another size covers some of `page`, of `size` bytes: two sizes never overlap. */
  overlaps(page: number, size: number): boolean {
    const own = this.#level(size);
    for (const level of this.#levels) {
      if (level === own || level.count === 0) continue;
      if (level.shift > own.shift) {
        const slot = level.slotOf(Math.floor(page / (1 << (level.shift - own.shift))));
        if (slot !== NONE && level.bits[slot] !== 0) return true;
      } else {
        const ratio = 1 << (own.shift - level.shift);
        for (let i = 0; i < ratio; i++) {
          const slot = level.slotOf(page * ratio + i);
          if (slot !== NONE && level.bits[slot] !== 0) return true;
        }
      }
    }
    return false;
  }

  /** Makes an entry present, clean and not accessed. Returns the frame that was there, -1 if none. */
  map(page: number, size: number, frame: number, access: number): number {
    const level = this.#level(size);
    const slot = level.ensureSlot(page);
    const old = level.bits[slot] === 0 ? NONE : level.frames[slot]!;
    if (old === NONE) level.count++;
    level.frames[slot] = frame;
    level.bits[slot] = access;
    return old;
  }

  /** The entry's `PTE_*` and `ENTRY_*` bits, 0 if absent. */
  bits(page: number, size: number): number {
    const level = this.#level(size);
    const slot = level.slotOf(page);
    return slot === NONE ? 0 : level.bits[slot]!;
  }

  /** Frame of an entry that {@link bits} says is present. */
  frame(page: number, size: number): number {
    const level = this.#level(size);
    return level.frames[level.slotOf(page)]!;
  }

  /** Replaces all bits of a present entry; 0 makes it absent. */
  setBits(page: number, size: number, bits: number): void {
    const level = this.#level(size);
    level.bits[level.slotOf(page)] = bits;
    if ((bits & PTE_READ) === 0) level.count--;
  }

  /** Calls `each` with the size in bytes and the frame of every present entry. */
  forEach(each: (size: number, frame: number) => void): void {
    this.#levels.forEach((level, i) => {
      level.bits.forEach((bits, slot) => {
        if (bits !== 0) each(this.#sizes[i]!, level.frames[slot]!);
      });
    });
  }

  #level(size: number): Level {
    const first = this.#sizes[0]!;
    return this.#levels[size === first ? 0 : this.#sizes.indexOf(size)]!;
  }
}
