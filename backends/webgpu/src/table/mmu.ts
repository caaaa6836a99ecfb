import type { DeviceMmu, HarvestCommand, ProtectCommand, UnmapCommand } from '@mirrorspace/core/driver';
import type { FramePool } from '../frame-pool.js';
import type { Ledger } from '../gpu/ledger.js';
import type { Stream } from '../gpu/stream.js';
import { USAGE } from '../gpu/usage.js';
import type { BitsKernel } from './bits-kernel.js';
import { Entries } from './entries.js';
import { UNIT } from './radix.js';

/** Words by which programs note what they did to an entry: that they accessed it, that they wrote. */
export const WORDS_AN_ENTRY = 2;

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
  open = true;
  readonly #host: MmuHost;
  #table: GPUBuffer | undefined;
  #bits: GPUBuffer | undefined;
  /** Whether a program may have set bits on the device. */
  #touched = false;

  /** @param tableBits bits of the addresses that the table is laid out for */
  constructor(host: MmuHost, id: number, addressBits: number, faultPageSize: number, tableBits: number) {
    this.#host = host;
    this.id = id;
    this.addressBits = addressBits;
    this.faultPageSize = faultPageSize;
    this.entries = new Entries(tableBits, host.pageSizes, host.pool.shape.sinkBytes);
  }

  /** The copy of the table on the device, up to date as of the next thing encoded. */
  get tableBuffer(): GPUBuffer {
    const { table } = this.entries;
    const { stream } = this.#host;
    if (this.#table === undefined || this.#table.size < table.words.byteLength) this.#fit(table.words.byteLength);
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
    if (this.#bits === undefined) this.#fit(this.entries.table.words.byteLength);
    return this.#bits!;
  }

  /** A program that may set bits is about to run. */
  touch(): void {
    this.#touched = true;
  }

  /** Forgets the bits of entries that were replaced. */
  forget(slots: number[]): void {
    if (this.#touched && slots.length > 0) this.#host.bitsKernel.clear(this.bitsBuffer, slots);
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
    return this.#host.bitsKernel.take(this.bitsBuffer, slots, (at, word) => (bits[owners[at]!]! |= word));
  }

  close(): Promise<void> {
    if (!this.open) return Promise.resolve();
    this.open = false;
    this.#host.closed(this);
    if (this.#table !== undefined) this.#host.ledger.destroy(this.#table);
    if (this.#bits !== undefined) this.#host.ledger.destroy(this.#bits);
    return Promise.resolve();
  }

  /** Makes buffers for a table of `bytes`, and keeps what the old ones held. */
  #fit(bytes: number): void {
    const { ledger, stream } = this.#host;
    const usage = USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST;
    const table = ledger.create('page table', bytes, usage);
    const bits = ledger.create('accessed and dirty bits', WORDS_AN_ENTRY * bytes, usage);
    if (this.#table !== undefined) {
      stream.encoder.copyBufferToBuffer(this.#table, 0, table, 0, this.#table.size);
      stream.encoder.copyBufferToBuffer(this.#bits!, 0, bits, 0, this.#bits!.size);
      stream.submit();
      ledger.destroy(this.#table);
      ledger.destroy(this.#bits!);
    }
    this.#table = table;
    this.#bits = bits;
  }
}
