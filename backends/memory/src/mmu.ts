import type { DeviceMmu } from '@mirrorspace/core/driver';
import { BIT_ACCESSED, BIT_DIRTY, PTE_WRITE } from '@mirrorspace/core/driver';
import { ENTRY_ACCESSED, ENTRY_DIRTY, HARVEST_SHIFT, PageTable } from './table.js';
import { Tlb, TLB_ACCESSED, TLB_DIRTY } from './tlb.js';

/** What an MMU reports to the device that opened it. */
export interface MmuOwner {
  closed(mmu: Mmu): void;
}

/** What an MMU is made with; sizes in bytes. */
export interface MmuConfig {
  readonly id: number;
  readonly addressBits: number;
  readonly faultPageSize: number;
  readonly pageSizes: readonly number[];
  readonly tlbEntries: number;
  readonly accessedBits: boolean;
  readonly dirtyBits: boolean;
}

/** A device page table with its TLB. */
export class Mmu implements DeviceMmu {
  readonly kind = 'managed';
  readonly id: number;
  readonly addressBits: number;
  readonly faultPageSize: number;
  /** First address beyond what it translates. */
  readonly end: number;
  readonly table: PageTable;
  readonly tlb: Tlb;
  /** Smallest page size, in bytes. */
  readonly pageBytes: number;
  open = true;
  /** Fault injection: accessed bits read as 0 from now on. */
  dropsAccessed = false;
  readonly #config: MmuConfig;
  readonly #owner: MmuOwner;

  constructor(config: MmuConfig, owner: MmuOwner) {
    this.#config = config;
    this.#owner = owner;
    this.id = config.id;
    this.addressBits = config.addressBits;
    this.faultPageSize = config.faultPageSize;
    this.end = 2 ** config.addressBits;
    this.table = new PageTable(config.pageSizes);
    this.tlb = new Tlb(config.tlbEntries);
    this.pageBytes = config.pageSizes[0]!;
  }

  /**
   * Index in the TLB of the translation of `page` (of the smallest size) for a load or a store; -1 if it faults.
   * A cached translation is used as it is, even if the table no longer has it; but a store through one that did not record
   * its dirty bit yet must find the entry to record it in, as in hardware.
   */
  translate(page: number, store: boolean): number {
    const { tlb } = this;
    const at = page & tlb.mask;
    const cached = tlb.pages[at] === page;
    if (cached && (tlb.flags[at]! & (store ? TLB_DIRTY : TLB_ACCESSED)) !== 0) return at;
    return this.#walk(page, at, store, cached);
  }

  /** Why {@link translate} failed: the page is there, but read-only. */
  denies(page: number): boolean {
    return this.table.find(page);
  }

  /** What `harvest` and its like report of an entry. */
  report(entry: number): number {
    if (entry === 0) return 0;
    let result = (entry >> HARVEST_SHIFT) & (BIT_ACCESSED | BIT_DIRTY);
    if (!this.#config.accessedBits) result |= BIT_ACCESSED;
    if (!this.#config.dirtyBits && (entry & PTE_WRITE) !== 0) result |= BIT_DIRTY;
    return this.dropsAccessed ? result & ~BIT_ACCESSED : result;
  }

  close(): Promise<void> {
    if (this.open) {
      this.open = false;
      this.#owner.closed(this);
    }
    return Promise.resolve();
  }

  #walk(page: number, at: number, store: boolean, cached: boolean): number {
    const { table, tlb } = this;
    if (!table.find(page)) return cached && !store ? at : -1;
    if (store) {
      if ((table.found & PTE_WRITE) === 0) return -1;
      table.mark(ENTRY_ACCESSED | ENTRY_DIRTY);
    } else {
      if (cached && tlb.frames[at] !== table.foundFrame) return at;
      table.mark(ENTRY_ACCESSED);
    }
    const known = cached && tlb.frames[at] === table.foundFrame ? tlb.flags[at]! : 0;
    tlb.pages[at] = page;
    tlb.frames[at] = table.foundFrame;
    tlb.flags[at] = known | (store ? TLB_ACCESSED | TLB_DIRTY : TLB_ACCESSED);
    return at;
  }
}
