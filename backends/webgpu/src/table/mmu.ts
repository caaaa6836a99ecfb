import type { DeviceMmu, HarvestCommand, ProtectCommand, UnmapCommand } from '@mirrorspace/core/driver';
import type { FramePool } from '../frame-pool.js';
import type { Ledger } from '../gpu/ledger.js';
import { scoped } from '../gpu/scoped.js';
import type { Stream } from '../gpu/stream.js';
import { USAGE } from '../gpu/usage.js';
import type { BitsKernel } from './bits-kernel.js';
import { Entries } from './entries.js';
import { NotedRanges } from './noted-ranges.js';
import { UNIT } from './radix.js';

/** Words by which programs note what they did to an entry: that they accessed it, that they wrote. */
export const WORDS_AN_ENTRY = 2;

/** Slots whose bits are left as they are, at most. */
const MOST_STALE = 65_536;

/** What an MMU needs of its device. */
export interface MmuHost {
  readonly ledger: Ledger;
  readonly stream: Stream;
  readonly pool: FramePool;
  readonly bitsKernel: BitsKernel;
  readonly pageSizes: readonly number[];
  /** An MMU was closed. */
  closed(mmu: WebgpuMmu): void;
}

/**
 * A device page table: entries that the CPU keeps, their copy on the device, brought up to date before a program runs, and
 * beside it two words an entry in which programs note that they accessed and wrote.
 */
export class WebgpuMmu implements DeviceMmu {
  readonly kind = 'managed';
  readonly id: number;
  readonly addressBits: number;
  readonly faultPageSize: number;
  readonly entries: Entries;
  /** What launches found there and noted as accessed. */
  readonly noted = new NotedRanges();
  open = true;
  readonly #host: MmuHost;
  #table: GPUBuffer | undefined;
  #bits: GPUBuffer | undefined;
  /** Whether a program may have set bits on the device. */
  #touched = false;
  /** Slots with bits of entries that are gone. They are cleared before they could count, many in one dispatch. */
  readonly #stale: number[] = [];

  /** @param tableBits bits of the addresses that the table is laid out for */
  constructor(host: MmuHost, id: number, addressBits: number, faultPageSize: number, tableBits: number) {
    this.#host = host;
    this.id = id;
    this.addressBits = addressBits;
    this.faultPageSize = faultPageSize;
    this.entries = new Entries(tableBits, host.pageSizes, host.pool.shape.sinkBytes);
  }

  /** Whether the table outgrew its copy on the device: {@link fit} before a program runs. */
  get outgrown(): boolean {
    return this.#table === undefined || this.#table.size < this.entries.table.words.byteLength;
  }

  /** The copy of the table on the device, up to date as of the next thing encoded. */
  get tableBuffer(): GPUBuffer {
    const { table } = this.entries;
    const { stream } = this.#host;
    const changed = table.takeChanged();
    for (let from = 0; from < changed.length;) {
      let to = from + 1;
      while (to < changed.length && changed[to] === changed[from]! + to - from) to++;
      const at = changed[from]! * UNIT * 4;
      stream.write(this.#table!, at, table.words, at, (to - from) * UNIT * 4);
      from = to;
    }
    return this.#table!;
  }

  /** Where programs note what they did to each entry. */
  get bitsBuffer(): GPUBuffer {
    return this.#bits!;
  }

  /** A program that may set bits is about to run: those that entries left behind are cleared. */
  touch(): void {
    this.#touched = true;
    this.#clearStale();
  }

  /** Forgets the bits of entries that were replaced or removed. */
  forget(slots: number[]): void {
    if (!this.#touched) return;
    for (const slot of slots) if (this.#mayHaveBits(slot)) this.#stale.push(slot);
    if (this.#stale.length > MOST_STALE) this.#clearStale();
  }

  /**
   * Gives `each` the slots of every listed page that has an entry, and reads and clears its bits if they are asked for;
   * synchronous where no program can have set any.
   */
  take(
    command: UnmapCommand | ProtectCommand | HarvestCommand,
    each: (slot: number, index: number) => void,
  ): Promise<void> | undefined {
    const { entries } = this;
    const { bits, count } = command;
    const slots: number[] = [];
    const owners: number[] = [];
    const some: number[] = [];
    for (let i = 0; i < count; i++) {
      entries.slotsOf(command, i, some);
      if (bits !== undefined) bits[i] = 0;
      for (const slot of some) {
        if (bits !== undefined) bits[i]! |= entries.takeBits(slot);
        each(slot, i);
        if (!this.#mayHaveBits(slot)) continue;
        slots.push(slot);
        owners.push(i);
      }
    }
    if (slots.length === 0 || !this.#touched) return undefined;
    if (bits === undefined) {
      // The next entry in this place begins without.
      if (command.kind === 'unmap') this.forget(slots);
      return undefined;
    }
    this.#clearStale();
    return this.#host.bitsKernel.take(this.bitsBuffer, slots, (at, word) => (bits[owners[at]!]! |= word));
  }

  close(): Promise<void> {
    if (!this.open) return Promise.resolve();
    this.open = false;
    this.#host.closed(this);
    // What is encoded may use the buffers still.
    this.#host.stream.submit();
    if (this.#table !== undefined) this.#host.ledger.destroy(this.#table);
    if (this.#bits !== undefined) this.#host.ledger.destroy(this.#bits);
    return Promise.resolve();
  }

  #clearStale(): void {
    if (this.#stale.length > 0) this.#host.bitsKernel.clear(this.bitsBuffer, this.#stale);
    this.#stale.length = 0;
  }

  /** Whether a program can have set bits of an entry: places that the table got since no program has seen. */
  #mayHaveBits(slot: number): boolean {
    return this.#bits !== undefined && slot < this.#bits.size / (4 * WORDS_AN_ENTRY);
  }

  /**
   * Makes the copy on the device as large as the table, and keeps the bits that were noted.
   * @throws MirrorError `OUT_OF_DEVICE_MEMORY`; everything is as it was then
   */
  async fit(): Promise<void> {
    const { ledger, stream } = this.#host;
    const { words } = this.entries.table;
    const usage = USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST;
    const { made, error } = await scoped(stream.device, `a page table of ${words.byteLength} bytes`, () => ({
      bits: ledger.create('accessed and dirty bits', WORDS_AN_ENTRY * words.byteLength, usage),
      table: ledger.create('page table', words.byteLength, usage),
    }));
    if (error !== undefined || !this.open) {
      ledger.destroy(made.bits);
      ledger.destroy(made.table);
      if (error !== undefined) throw error;
      return;
    }
    // What is new in the table, or changed since, is written when a program runs.
    if (this.#table !== undefined) {
      stream.encoder.copyBufferToBuffer(this.#table, 0, made.table, 0, this.#table.size);
      stream.encoder.copyBufferToBuffer(this.#bits!, 0, made.bits, 0, this.#bits!.size);
      stream.submit();
      ledger.destroy(this.#table);
      ledger.destroy(this.#bits!);
    }
    this.#bits = made.bits;
    this.#table = made.table;
  }
}
