import { FAULT_ATOMIC, FAULT_READ, FAULT_WRITE, PTE_READ, PTE_WRITE } from '@mirrorspace/core/driver';
import { COMMAND, COMMAND_BYTES, listsAt, OP } from '../mail.js';
import { ENTRY, MOST_MMUS } from '../words.js';
import type { Shared } from '../shared.js';
import { bitsOf, type PageTables } from './page-table.js';

const READ = PTE_READ | ENTRY.accessed;
const WRITE = PTE_READ | PTE_WRITE | ENTRY.accessed | ENTRY.dirty;

/** What the commands of one segment read and write, in the shared memory. */
export class Commands {
  readonly #shared: Shared;
  readonly #tables: PageTables;
  /** By MMU, a bit for each page size that was mapped. */
  readonly #sizes = new Uint8Array(MOST_MMUS);
  /** Address at which the last one failed or stalled, and the `FAULT_*` code of the access. */
  address = 0;
  fault = 0;

  constructor(shared: Shared, tables: PageTables) {
    this.#shared = shared;
    this.#tables = tables;
  }

  /** Puts entries in. `false`: an entry of another size is in the way at {@link address}; nothing was changed then. @throws TablesFull */
  map(at: number): boolean {
    const { words, floats, bytes, shape } = this.#shared;
    const { mmu, count, size } = this.#header(at);
    const lists = listsAt(at, count);
    const ratio = 2 ** shape.sizeShifts[size]!;
    const mark = size << ENTRY.sizeShift;
    this.#sizes[mmu]! |= 1 << size;
    if (this.#sizes[mmu] !== 1 << size && !this.#isFree(mmu, lists.pages, count, ratio, mark)) return false;
    for (let i = 0; i < count; i++) {
      const page = floats[(lists.pages >>> 3) + i]! * ratio;
      const frame = words[(lists.frames >>> 2) + i]! * ratio;
      const low = mark | bytes[lists.access + i]!;
      for (let k = 0; k < ratio; k++) {
        const found = this.#tables.ensure(mmu, page + k);
        this.#tables.exchange(mmu, found, ((frame + k) << shape.pageShift) | low);
      }
    }
    return true;
  }

  /** Whether no entry of another size is in the way. */
  #isFree(mmu: number, pages: number, count: number, ratio: number, mark: number): boolean {
    const { floats, shape } = this.#shared;
    for (let i = 0; i < count * ratio; i++) {
      const page = floats[(pages >>> 3) + Math.floor(i / ratio)]! * ratio + (i % ratio);
      const found = this.#tables.find(mmu, page);
      const entry = found < 0 ? 0 : this.#tables.entry(found);
      if (entry === 0 || (entry & ENTRY.sizeMask) === mark) continue;
      this.address = page * 2 ** shape.pageShift;
      return false;
    }
    return true;
  }

  /** An MMU begins with an empty table. @throws TablesFull */
  open(mmu: number): void {
    this.#sizes[mmu] = 0;
    this.#tables.open(mmu);
  }

  /** Removes entries, changes them or reads their bits. */
  change(at: number, op: number): void {
    const { floats, bytes } = this.#shared;
    const { mmu, count, size, extra } = this.#header(at);
    const lists = listsAt(at, count);
    const ratio = 2 ** this.#shared.shape.sizeShifts[size]!;
    const mark = size << ENTRY.sizeShift;
    for (let i = 0; i < count; i++) {
      const page = floats[(lists.pages >>> 3) + i]! * ratio;
      let bits = 0;
      for (let k = 0; k < ratio; k++) {
        const found = this.#tables.find(mmu, page + k);
        const entry = found < 0 ? 0 : this.#tables.entry(found);
        if (entry === 0 || (entry & ENTRY.sizeMask) !== mark) continue;
        if (op === OP.unmap) bits |= bitsOf(this.#tables.exchange(mmu, found, 0));
        else if (op === OP.harvest) bits |= bitsOf(this.#tables.harvest(found));
        else bits |= bitsOf(this.#tables.protect(found, bytes[lists.access + i]!, extra !== 0));
      }
      bytes[lists.bits + i] = bits;
    }
  }

  /** Goes on with a plain access from byte `done` of it; returns how far it came. Short of its end, it stalled at {@link address}. */
  access(at: number, op: number, done: number): number {
    const { words, bytes, pool, shape } = this.#shared;
    const { mmu, count, extra } = this.#header(at);
    const start = this.#shared.number(at, COMMAND.address);
    const pageBytes = 2 ** shape.pageShift;
    const data = at + COMMAND_BYTES;
    const need = op === OP.read ? READ : WRITE;
    for (;;) {
      if (done === count) return done;
      const address = start + done;
      const page = Math.floor(address / pageBytes);
      const found = this.#tables.find(mmu, page);
      const entry = found < 0 ? 0 : this.#tables.entry(found);
      const rights = need & ENTRY.rights;
      if ((entry & rights) !== rights) {
        this.address = address;
        this.fault = op === OP.read ? FAULT_READ : op === OP.atomicAdd ? FAULT_ATOMIC : FAULT_WRITE;
        return done;
      }
      if ((entry & need) !== need) this.#tables.mark(found, need);
      const offset = address - page * pageBytes;
      const part = Math.min(count - done, pageBytes - offset);
      const from = (entry >>> shape.pageShift) * pageBytes + offset;
      if (op === OP.read) bytes.set(pool.subarray(from, from + part), data + done);
      else if (op === OP.write) pool.set(bytes.subarray(data + done, data + done + part), from);
      else if (op === OP.fill) pool.fill(extra & 0xff, from, from + part);
      else words[data >>> 2] = Atomics.add(this.#shared.poolWords, from >>> 2, extra);
      done += part;
    }
  }

  #header(at: number): { mmu: number; count: number; size: number; extra: number } {
    const { words } = this.#shared;
    const first = at >>> 2;
    return {
      mmu: words[first + COMMAND.mmu]!,
      count: words[first + COMMAND.count]!,
      size: words[first + COMMAND.size]!,
      extra: words[first + COMMAND.extra]!,
    };
  }
}
