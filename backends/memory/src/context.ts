import type { UnitContext } from '@mirrorspace/core/driver';
import { FAULT_ATOMIC, FAULT_READ, FAULT_WRITE, MirrorError } from '@mirrorspace/core/driver';
import type { FramePool, Slab } from './frames.js';
import type { Mmu } from './mmu.js';
import { Tlb, TLB_ACCESSED, TLB_DIRTY } from './tlb.js';

/** Thrown to abandon a work unit that faulted; never leaves the device. */
const ABANDON = new Error('The work unit faulted; the device runs it again.');
/** Base of a window that covers no address. */
const CLOSED_WINDOW = -Infinity;
const NO_FAULT = -1;

/** Hears of faults; returns the error they end in where the device cannot stall. */
export type FaultReporter = (mmu: Mmu, address: number, access: number, queue: number) => MirrorError | undefined;

/**
 * The memory that work units see. Units run one after another through the same context; each has an undo log, so that one
 * that faults leaves nothing behind. The page read last and the page written last stay open as windows: within them an
 * access costs a subtraction and a typed array.
 */
export class Unit implements UnitContext {
  /** Address the unit faulted at first; -1 while it did not. */
  faultAddress = NO_FAULT;
  /** Whether the unit gave up in the middle of an access. */
  abandoned = false;
  /** What a fault of the unit ends in, on a device that cannot stall. */
  error: MirrorError | undefined;
  readonly #pool: FramePool;
  readonly #report: FaultReporter;
  readonly #atomics: boolean;
  readonly #pageBytes: number;
  readonly #perByte: number;
  #mmu: Mmu | undefined;
  #tlb = new Tlb(1);
  #end = 0;
  #queue = 0;

  #readBase = CLOSED_WINDOW;
  #readSlab: Slab;
  #readStart = 0;
  #writeBase = CLOSED_WINDOW;
  #writeSlab: Slab;
  #writeStart = 0;
  #writeIndex = 0;

  #logSize = 0;
  #logSlabs = new Uint32Array(64);
  #logWords = new Uint32Array(64);
  #logValues = new Uint32Array(64);

  constructor(pool: FramePool, atomics: boolean, report: FaultReporter) {
    this.#pool = pool;
    this.#report = report;
    this.#atomics = atomics;
    this.#pageBytes = pool.frameBytes;
    this.#perByte = 1 / pool.frameBytes;
    this.#readSlab = this.#writeSlab = pool.slabs[0]!;
  }

  /** Work units of a launch follow; tables may have changed since the last. */
  enter(mmu: Mmu, queue: number): void {
    this.#mmu = mmu;
    this.#tlb = mmu.tlb;
    this.#end = mmu.end;
    this.#queue = queue;
    this.#readBase = this.#writeBase = CLOSED_WINDOW;
  }

  /** A work unit begins. */
  begin(): void {
    this.faultAddress = NO_FAULT;
    this.abandoned = false;
    this.error = undefined;
    this.#logSize = 0;
  }

  /** Takes back every store of the unit. */
  undo(): void {
    const { slabs } = this.#pool;
    for (let i = this.#logSize - 1; i >= 0; i--)
      slabs[this.#logSlabs[i]!]!.u32[this.#logWords[i]!] = this.#logValues[i]!;
    this.#logSize = 0;
  }

  load8(address: number): number {
    let offset = address - this.#readBase;
    if (!(offset >= 0 && offset < this.#pageBytes)) offset = this.#openRead(address);
    return this.#readSlab.u8[this.#readStart + aligned(address, offset, 1)]!;
  }

  load32(address: number): number {
    let offset = address - this.#readBase;
    if (!(offset >= 0 && offset < this.#pageBytes)) offset = this.#openRead(address);
    return this.#readSlab.u32[(this.#readStart + aligned(address, offset, 4)) >>> 2]!;
  }

  loadI32(address: number): number {
    let offset = address - this.#readBase;
    if (!(offset >= 0 && offset < this.#pageBytes)) offset = this.#openRead(address);
    return this.#readSlab.i32[(this.#readStart + aligned(address, offset, 4)) >>> 2]!;
  }

  loadF32(address: number): number {
    let offset = address - this.#readBase;
    if (!(offset >= 0 && offset < this.#pageBytes)) offset = this.#openRead(address);
    return this.#readSlab.f32[(this.#readStart + aligned(address, offset, 4)) >>> 2]!;
  }

  loadF64(address: number): number {
    let offset = address - this.#readBase;
    if (!(offset >= 0 && offset < this.#pageBytes)) offset = this.#openRead(address);
    return this.#readSlab.f64[(this.#readStart + aligned(address, offset, 8)) >>> 3]!;
  }

  store8(address: number, value: number): void {
    const at = this.#store(address, 1, FAULT_WRITE);
    this.#writeSlab.u8[at] = value;
  }

  store32(address: number, value: number): void {
    const at = this.#store(address, 4, FAULT_WRITE);
    this.#writeSlab.u32[at >>> 2] = value;
  }

  storeF32(address: number, value: number): void {
    const at = this.#store(address, 4, FAULT_WRITE);
    this.#writeSlab.f32[at >>> 2] = value;
  }

  storeF64(address: number, value: number): void {
    const at = this.#store(address, 8, FAULT_WRITE);
    this.#log((at >>> 2) + 1);
    this.#writeSlab.f64[at >>> 3] = value;
  }

  atomicAdd(address: number, value: number): number {
    if (!this.#atomics)
      throw new MirrorError('UNSUPPORTED', `atomicAdd in a program: the device does not claim 'atomics'.`);
    const at = this.#store(address, 4, FAULT_ATOMIC) >>> 2;
    const previous = this.#writeSlab.u32[at]!;
    this.#writeSlab.u32[at] = previous + value;
    return previous;
  }

  probe(address: number, access: 'read' | 'write' = 'read'): boolean {
    const store = access === 'write';
    const page = this.#pageOf(address);
    if (this.#mmuInUse().translate(page, store) >= 0) return true;
    this.#fault(address, store ? FAULT_WRITE : FAULT_READ);
    return false;
  }

  /** Opens the write window if need be, logs the word, and returns the byte offset in the slab. */
  #store(address: number, bytes: number, access: number): number {
    let offset = address - this.#writeBase;
    if (!(offset >= 0 && offset < this.#pageBytes)) offset = this.#openWrite(address, access);
    const at = this.#writeStart + aligned(address, offset, bytes);
    this.#log(at >>> 2);
    return at;
  }

  #log(word: number): void {
    const at = this.#logSize++;
    if (at === this.#logSlabs.length) this.#growLog();
    this.#logSlabs[at] = this.#writeIndex;
    this.#logWords[at] = word;
    this.#logValues[at] = this.#writeSlab.u32[word]!;
  }

  #growLog(): void {
    this.#logSlabs = doubled(this.#logSlabs);
    this.#logWords = doubled(this.#logWords);
    this.#logValues = doubled(this.#logValues);
  }

  #openRead(address: number): number {
    const page = this.#pageOf(address);
    const tlb = this.#tlb;
    let at = page & tlb.mask;
    if (tlb.pages[at] !== page || (tlb.flags[at]! & TLB_ACCESSED) === 0) {
      at = this.#mmuInUse().translate(page, false);
      if (at < 0) this.#abandon(address, FAULT_READ);
    }
    const frame = tlb.frames[at]!;
    const pool = this.#pool;
    this.#readSlab = pool.slabs[frame >>> pool.slabShift]!;
    this.#readStart = (frame & pool.slabMask) * this.#pageBytes;
    this.#readBase = page * this.#pageBytes;
    return address - this.#readBase;
  }

  #openWrite(address: number, access: number): number {
    const page = this.#pageOf(address);
    const tlb = this.#tlb;
    let at = page & tlb.mask;
    if (tlb.pages[at] !== page || (tlb.flags[at]! & TLB_DIRTY) === 0) {
      at = this.#mmuInUse().translate(page, true);
      if (at < 0) this.#abandon(address, access);
    }
    const frame = tlb.frames[at]!;
    const pool = this.#pool;
    const slab = pool.writable(frame);
    // The slab may have had no storage: a window that reads its zeros would not see this store.
    if (slab !== this.#readSlab) this.#readBase = CLOSED_WINDOW;
    this.#writeSlab = slab;
    this.#writeIndex = frame >>> pool.slabShift;
    this.#writeStart = (frame & pool.slabMask) * this.#pageBytes;
    this.#writeBase = page * this.#pageBytes;
    return address - this.#writeBase;
  }

  /** @throws TypeError for no number, RangeError for no integer, MirrorError beyond the address space */
  #pageOf(address: number): number {
    if (address >= 0 && address < this.#end) return Math.floor(address * this.#perByte);
    if (typeof address !== 'number') throw new TypeError(`an address must be a number, got ${typeof address}`);
    if (!Number.isInteger(address)) throw new RangeError(`an address must be an integer, got ${address}`);
    throw new MirrorError('ADDRESS_NOT_MAPPED', `The program accessed ${address}, which is beyond the address space.`, {
      address,
    });
  }

  #fault(address: number, access: number): void {
    if (this.faultAddress === NO_FAULT) this.faultAddress = address;
    this.error ??= this.#report(this.#mmuInUse(), address, access, this.#queue);
  }

  #abandon(address: number, access: number): never {
    this.#fault(address, access);
    this.abandoned = true;
    throw ABANDON;
  }

  #mmuInUse(): Mmu {
    if (this.#mmu === undefined) throw new MirrorError('CLOSED', 'A work unit used its context outside of a launch.');
    return this.#mmu;
  }
}

function aligned(address: number, offset: number, bytes: number): number {
  const at = offset | 0;
  if (at !== offset || (at & (bytes - 1)) !== 0) {
    throw new RangeError(`an access of ${bytes} bytes needs an address that is a multiple of ${bytes}, got ${address}`);
  }
  return at;
}

function doubled(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
