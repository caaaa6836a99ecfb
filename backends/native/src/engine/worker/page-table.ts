import { BIT_ACCESSED, BIT_DIRTY } from '@mirrorspace/core/driver';
import { BLOCK_BITS, BLOCK_BYTES, ENTRY, LEVELS, MMU } from '../words.js';
import type { Shared } from '../shared.js';

const ENTRIES = 1 << BLOCK_BITS;
const HARVESTED = ENTRY.accessed | ENTRY.dirty;
const NONE = -1;

/** Thrown where the control memory has no room for another block. */
export class TablesFull extends Error {}

/**
 * The page tables of all MMUs: radix trees of blocks in the control memory. Only the engine's thread changes what is mapped; compute units set
 * accessed and dirty bits. A larger page is a run of entries of the smallest size that say which size they belong to.
 */
export class PageTables {
  readonly #shared: Shared;
  readonly #words: Int32Array;
  readonly #free: number[] = [];
  #unused: number;
  /** Present entries of a leaf, by block. */
  readonly #counts: Uint16Array;
  /** Word of the entry that points to a leaf, by block. */
  readonly #parents: Int32Array;
  /** By MMU, leaves that became empty since the last flush, and leaves out of the table that a unit may still have cached. */
  readonly #emptied = new Map<number, Set<number>>();
  #lastMmu = NONE;
  #lastKey = NONE;
  #lastLeaf = 0;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#words = shared.words;
    this.#unused = shared.layout.blocks;
    const blocks = (shared.layout.bytes - shared.layout.blocks) / BLOCK_BYTES;
    this.#counts = new Uint16Array(blocks);
    this.#parents = new Int32Array(blocks);
  }

  /** Gives an MMU an empty table. @throws TablesFull */
  open(mmu: number): void {
    this.#shared.store(this.#shared.layout.mmu(mmu), MMU.root, this.#take());
    this.#emptied.set(mmu, new Set());
  }

  /** Frees the table of an MMU that nothing runs on. */
  close(mmu: number): void {
    this.#lastMmu = NONE;
    const at = this.#shared.layout.mmu(mmu);
    const root = this.#shared.load(at, MMU.root);
    this.#emptied.delete(mmu);
    if (root !== 0) this.#give(root, LEVELS - 1);
    this.#shared.store(at, MMU.root, 0);
  }

  /** Word of the entry of `page`, in pages of the smallest size; -1 where there is no block for it. */
  find(mmu: number, page: number): number {
    const key = Math.floor(page / ENTRIES);
    if (mmu !== this.#lastMmu || key !== this.#lastKey) {
      let block = this.#shared.load(this.#shared.layout.mmu(mmu), MMU.root);
      for (let level = LEVELS - 1; level > 0 && block !== 0; level--)
        block = Atomics.load(this.#words, this.#entry(block, page, level));
      if (block === 0) return NONE;
      this.#remember(mmu, key, block);
    }
    return this.#entry(this.#lastLeaf, page, 0);
  }

  /** As {@link find}, and makes the blocks that are missing. @throws TablesFull */
  ensure(mmu: number, page: number): number {
    const found = this.find(mmu, page);
    if (found !== NONE) return found;
    let block = this.#shared.load(this.#shared.layout.mmu(mmu), MMU.root);
    for (let level = LEVELS - 1; level > 0; level--) {
      const at = this.#entry(block, page, level);
      block = Atomics.load(this.#words, at);
      if (block !== 0) continue;
      block = this.#take();
      this.#parents[this.#number(block)] = at;
      Atomics.store(this.#words, at, block);
    }
    this.#remember(mmu, Math.floor(page / ENTRIES), block);
    return this.#entry(block, page, 0);
  }

  entry(at: number): number {
    return Atomics.load(this.#words, at);
  }

  /** Puts an entry in, and returns the one that was there. */
  exchange(mmu: number, at: number, entry: number): number {
    const old = Atomics.exchange(this.#words, at, entry);
    if ((old === 0) === (entry === 0)) return old;
    const block = (at * 4) & ~(BLOCK_BYTES - 1);
    const count = (this.#counts[this.#number(block)]! += entry === 0 ? -1 : 1);
    if (count === 0) this.#emptied.get(mmu)?.add(block);
    return old;
  }

  /** Changes the rights of a present entry, and with `clear` its bits; returns what it was. */
  protect(at: number, access: number, clear: boolean): number {
    for (;;) {
      const old = Atomics.load(this.#words, at);
      const kept = old & ~(ENTRY.rights | (clear ? HARVESTED : 0));
      if (Atomics.compareExchange(this.#words, at, old, kept | access) === old) return old;
    }
  }

  /** Clears the bits of an entry, and returns what it was. */
  harvest(at: number): number {
    return Atomics.and(this.#words, at, ~HARVESTED);
  }

  /** Adds bits to an entry. */
  mark(at: number, bits: number): void {
    Atomics.or(this.#words, at, bits);
  }

  /** Takes empty leaves out of the table; they can be freed when every unit has acknowledged what comes next. */
  detach(mmu: number): number[] {
    const emptied = this.#emptied.get(mmu);
    if (emptied === undefined || emptied.size === 0) return [];
    const detached: number[] = [];
    for (const block of emptied) {
      const number = this.#number(block);
      if (this.#counts[number] !== 0) continue;
      Atomics.store(this.#words, this.#parents[number]!, 0);
      detached.push(block);
    }
    emptied.clear();
    this.#lastMmu = NONE;
    return detached;
  }

  /** Frees leaves that {@link detach} gave. */
  free(blocks: readonly number[]): void {
    for (const block of blocks) this.#free.push(block);
  }

  #remember(mmu: number, key: number, leaf: number): void {
    this.#lastMmu = mmu;
    this.#lastKey = key;
    this.#lastLeaf = leaf;
  }

  #entry(block: number, page: number, level: number): number {
    const index = level === 0 ? page : Math.floor(page / 2 ** (BLOCK_BITS * level));
    return (block >>> 2) + (index & (ENTRIES - 1));
  }

  #number(block: number): number {
    return (block - this.#shared.layout.blocks) / BLOCK_BYTES;
  }

  #take(): number {
    const block = this.#free.pop();
    if (block !== undefined) return block;
    if (this.#unused >= this.#shared.layout.bytes) throw new TablesFull();
    const taken = this.#unused;
    this.#unused += BLOCK_BYTES;
    return taken;
  }

  #give(block: number, level: number): void {
    for (let i = 0; i < ENTRIES; i++) {
      const entry = Atomics.exchange(this.#words, (block >>> 2) + i, 0);
      if (level > 0 && entry !== 0) this.#give(entry, level - 1);
    }
    this.#counts[this.#number(block)] = 0;
    this.#free.push(block);
  }
}

/** What `harvest` and its like report of an entry. */
export function bitsOf(entry: number): number {
  return ((entry & ENTRY.accessed) !== 0 ? BIT_ACCESSED : 0) | ((entry & ENTRY.dirty) !== 0 ? BIT_DIRTY : 0);
}
