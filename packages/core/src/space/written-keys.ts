import { IdList, PageTable } from '../address/index.js';

/**
 * Entries whose page the CPU had written, as the tracker knew, before the entry was given another page with the same bytes, or
 * none. Merging may change what a page is, but not what `written` says. About 7 bytes an entry where they lie side by side.
 */
export class WrittenKeys {
  private readonly table = new PageTable();
  private readonly slots = new IdList();

  /** Bytes of memory it takes. */
  get bytes(): number {
    return this.table.bytes;
  }

  /** Notes one entry. */
  note(key: number): void {
    this.table.set(key, 1);
  }

  /** The entries noted in `[start, end)`, by key. */
  within(start: number, end: number): number[] {
    const { table, slots } = this;
    if (table.size === 0) return [];
    slots.clear();
    table.collect(start, end, slots);
    return Array.from(slots.items.subarray(0, slots.length), (slot) => table.pageOfSlot(slot));
  }

  /** Forgets the entries of `[start, end)`. Costs nothing where none was ever noted. */
  forget(start: number, end: number): void {
    for (const key of this.within(start, end)) this.table.delete(key);
  }
}
