import { BIT_ACCESSED, BIT_DIRTY, MirrorError, PTE_READ, PTE_SHARED, PTE_WRITE } from '@mirrorspace/core/driver';
import type { MapCommand, PageList } from '@mirrorspace/core/driver';
import { RadixTable } from './radix.js';

const ACCESS_MASK = PTE_READ | PTE_WRITE | PTE_SHARED;

/**
 * The page table of one MMU: an entry is where its page begins in the pool, in words, with the `PTE_*` bits of its rights below; 0 for none. It is
 * in units of the smallest page size: a larger page is as many entries. What only the CPU needs to know lies beside it: the page size that an
 * entry was made with, and the bits that commands run by the CPU have set.
 */
export class Entries {
  readonly table: RadixTable;
  readonly #sizes: readonly number[];
  readonly #sinkWords: number;
  /** By slot: 1 + index of the page size; 0 for no entry. */
  #kinds = new Uint8Array(0);
  /** By slot: `BIT_*` set on the CPU's side. */
  #bits = new Uint8Array(0);
  /** Present entries of each size. */
  readonly #counts: number[];
  /** Grows when entries change, and when bits are taken. */
  changes = 0;

  /**
   * @param sizes page sizes in bytes, ascending
   * @param sinkBytes bytes of the pool before the first frame
   */
  constructor(addressBits: number, sizes: readonly number[], sinkBytes: number) {
    this.#sizes = sizes;
    this.#sinkWords = sinkBytes / 4;
    this.#counts = sizes.map(() => 0);
    this.table = new RadixTable(addressBits - Math.log2(sizes[0]!));
  }

  /** Where the page that an access reaches begins in the pool, in bytes, with its bits noted; -1 where it faults. */
  translate(page: number, store: boolean): number {
    const slot = this.table.find(page);
    if (slot < 0) return -1;
    const word = this.table.words[slot]!;
    if (word === 0 || (store && (word & PTE_WRITE) === 0)) return -1;
    this.#bits[slot]! |= store ? BIT_ACCESSED | BIT_DIRTY : BIT_ACCESSED;
    return ((word & ~ACCESS_MASK) >>> 0) * 4;
  }

  /** Whether a page of the smallest size can be read, and written if asked for, without a fault. */
  allows(page: number, store: boolean): boolean {
    const slot = this.table.find(page);
    return slot >= 0 && (this.table.words[slot]! & (store ? PTE_WRITE : PTE_READ)) !== 0;
  }

  /** Whether all pages of the smallest size from `from` to before `to` can be read, and written if asked for. */
  allowsAll(from: number, to: number, store: boolean): boolean {
    for (let page = from; page < to; page++) if (!this.allows(page, store)) return false;
    return true;
  }

  /** Notes that such pages, which all have entries, were accessed, and written if `store`. */
  note(from: number, to: number, store: boolean): void {
    const bits = store ? BIT_ACCESSED | BIT_DIRTY : BIT_ACCESSED;
    for (let page = from; page < to; page++) this.#bits[this.table.find(page)]! |= bits;
  }

  /** Makes entries; `replaced` receives the slots of those that were there before. @throws MirrorError `INVALID_ARGUMENT` where an entry of another size is */
  map({ pages, frames, access, count, pageSize }: MapCommand, replaced: number[]): void {
    const kind = this.#sizes.indexOf(pageSize) + 1;
    const ratio = pageSize / this.#sizes[0]!;
    const words = pageSize / 4;
    const partWords = words / ratio;
    this.changes++;
    if (this.#counts.some((others, i) => i !== kind - 1 && others > 0))
      this.#refuseOverlap(pages, count, pageSize, kind);
    for (let i = 0; i < count; i++) {
      for (let part = 0; part < ratio; part++) {
        const slot = this.table.ensure(pages[i]! * ratio + part);
        this.#fit();
        if (this.#kinds[slot] !== 0) replaced.push(slot);
        else this.#counts[kind - 1]!++;
        this.#kinds[slot] = kind;
        this.#bits[slot] = 0;
        const at = this.#sinkWords + frames[i]! * words + part * partWords;
        this.table.set(slot, (at | (access[i]! & ACCESS_MASK)) >>> 0);
      }
    }
  }

  /** The slots of a listed page; empty if it has no entry of that size. */
  slotsOf({ pages, pageSize }: PageList, index: number, out: number[]): void {
    const kind = this.#sizes.indexOf(pageSize) + 1;
    const ratio = pageSize / this.#sizes[0]!;
    out.length = 0;
    const first = this.table.find(pages[index]! * ratio);
    if (first < 0 || this.#kinds[first] !== kind) return;
    for (let part = 0; part < ratio; part++) out.push(this.table.find(pages[index]! * ratio + part));
  }

  /** Takes the bits that were set on the CPU's side. */
  takeBits(slot: number): number {
    const bits = this.#bits[slot]!;
    this.#bits[slot] = 0;
    this.changes++;
    return bits;
  }

  /** Gives an entry other rights. */
  protect(slot: number, access: number): void {
    this.changes++;
    this.table.set(slot, ((this.table.words[slot]! & ~ACCESS_MASK) | (access & ACCESS_MASK)) >>> 0);
  }

  /** Removes an entry. */
  remove(slot: number): void {
    this.changes++;
    this.#counts[this.#kinds[slot]! - 1]!--;
    this.#kinds[slot] = 0;
    this.#bits[slot] = 0;
    this.table.set(slot, 0);
  }

  #refuseOverlap(pages: Float64Array, count: number, pageSize: number, kind: number): void {
    const ratio = pageSize / this.#sizes[0]!;
    for (let i = 0; i < count; i++) {
      for (let part = 0; part < ratio; part++) {
        const slot = this.table.find(pages[i]! * ratio + part);
        if (slot < 0 || this.#kinds[slot] === 0 || this.#kinds[slot] === kind) continue;
        throw new MirrorError(
          'INVALID_ARGUMENT',
          `map: an entry of another size covers part of page ${pages[i]} of ${pageSize} bytes; unmap it first`,
          { address: pages[i]! * pageSize },
        );
      }
    }
  }

  /** Follows the table as it grows. */
  #fit(): void {
    const { length } = this.table.words;
    if (this.#kinds.length === length) return;
    this.#kinds = grown(this.#kinds, length);
    this.#bits = grown(this.#bits, length);
  }
}

function grown(from: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const to = new Uint8Array(length);
  to.set(from);
  return to;
}
