import { IdList, LEAF_PAGES, PageTable } from '../address/index.js';
import { DEVICES_SHIFT, PageRecords, SHARED } from './page-records.js';
import { PAGE_CACHED } from './page-state.js';

/**
 * Which entry maps which page, and which entries map a page: the one table of all spaces on a host memory, and its reverse map.
 * A key is a space's page number in the table.
 */
export class PageEntries extends PageRecords {
  readonly table = new PageTable();
  /** Slots of the entries of pages that have several. */
  private readonly sharers = new Map<number, number[]>();
  /** First words of records; used within `readAhead`. */
  private mappers = new Uint32Array(0);

  /** Bytes of memory that table, records and reverse map take. */
  protected get entryBytes(): number {
    return this.records.byteLength + this.table.bytes + 48 * this.sharers.size;
  }

  /** Reads ahead what is known about the first `count` pages, and where each is mapped. */
  readAhead(pages: Uint32Array, count: number): void {
    const { records } = this;
    if (count > this.mappers.length) this.mappers = new Uint32Array(count);
    for (let i = 0; i < count; i++) this.mappers[i] = records[2 * pages[i]!]!;
    this.table.readAheadSlots(this.mappers, count);
  }

  /** The page that key maps; -1 for nothing; below that a page in the swap store, see `slotOf`. */
  lookup(key: number): number {
    return (this.table.get(key) | 0) - 1;
  }

  /**
   * As `lookup` of `base + numbers[i]` for the first `count`, into `out`. A loop this short lets the processor overlap the
   * cache misses, of which one lookup after another has to wait for each.
   */
  lookupAll(base: number, numbers: Float64Array, count: number, out: Int32Array): void {
    const { table } = this;
    table.getAll(base, numbers, count, out);
    for (let i = 0; i < count; i++) out[i]! -= 1;
  }

  /**
   * The first key of `[key, end)` that has no page, or whose page lacks the device of a `bit` or one of some `PAGE_*` bits; `end` if there is
   * none. Passes over eight keys in one look.
   */
  nextWithout(key: number, end: number, bit: number, states: number): number {
    const { table, records } = this;
    const { words } = table;
    const wanted = (1 << (DEVICES_SHIFT + bit)) | states;
    for (let at = key; at < end;) {
      const place = table.placeOf(at);
      if (place < 0) return at;
      const stop = Math.min(end - at, LEAF_PAGES - (at % LEAF_PAGES));
      for (let i = 0; i < stop; i++) {
        const page = (words[place + i]! | 0) - 1;
        if (page < 0 || (records[2 * page + 1]! & wanted) !== wanted) return at + i;
      }
      at += stop;
    }
    return end;
  }

  /** The keys of `[first, end)` whose entries say anything, ascending; a snapshot. */
  keysWithin(first: number, end: number): number[] {
    const slots = new IdList();
    this.table.collect(first, end, slots);
    return Array.from(slots.items.subarray(0, slots.length), (slot) => this.table.pageOfSlot(slot));
  }

  /** The pages that the keys of `[first, end)` map, by key, and once for each; a snapshot. */
  pagesWithin(first: number, end: number): number[] {
    const slots = new IdList();
    this.table.collect(first, end, slots);
    const pages: number[] = [];
    for (let i = 0; i < slots.length; i++) {
      const page = (this.table.entry(slots.items[i]!) | 0) - 1;
      if (page >= 0) pages.push(page);
    }
    return pages;
  }

  /** Maps `page` at `key`, where nothing is mapped. */
  link(key: number, page: number): void {
    const slot = this.table.set(key, page + 1);
    const mapper = this.records[2 * page]!;
    if (mapper === 0) this.records[2 * page] = slot + 1;
    else if (mapper !== SHARED) {
      this.sharers.set(page, [mapper - 1, slot]);
      this.records[2 * page] = SHARED;
    } else this.sharers.get(page)!.push(slot);
  }

  /** Number of entries that map the page. */
  mapCount(page: number): number {
    const mapper = this.records[2 * page]!;
    return mapper === 0 ? 0 : mapper === SHARED ? this.sharers.get(page)!.length : 1;
  }

  /** Key of the one entry that maps the page; -1 where there is none, -2 where there are several. */
  onlyKeyOf(page: number): number {
    const mapper = this.records[2 * page]!;
    if (mapper === 0) return -1;
    return mapper === SHARED ? -2 : this.table.pageOfSlot(mapper - 1);
  }

  /** Key of the page's `index`-th mapping, `0 <= index < mapCount(page)`. */
  mappingKey(page: number, index: number): number {
    const mapper = this.records[2 * page]!;
    return this.table.pageOfSlot(mapper === SHARED ? this.sharers.get(page)![index]! : mapper - 1);
  }

  /** Whether a write through one private mapping must copy first. */
  isShared(page: number): boolean {
    return this.records[2 * page] === SHARED || this.any(page, PAGE_CACHED);
  }

  /** Removes the mapping of `page` at `key`. */
  protected detach(key: number, page: number): void {
    if (this.records[2 * page] === SHARED) {
      const slot = this.table.find(key);
      const slots = this.sharers.get(page)!;
      slots.splice(slots.indexOf(slot), 1);
      if (slots.length === 1) {
        this.records[2 * page] = slots[0]! + 1;
        this.sharers.delete(page);
      }
    } else this.records[2 * page] = 0;
    this.table.delete(key);
  }

  /** Gives a page's record and entries to another number; the old one has neither afterwards. */
  protected moveRecord(page: number, to: number): void {
    const { records, table } = this;
    const mapper = records[2 * page]!;
    records[2 * to] = mapper;
    records[2 * to + 1] = records[2 * page + 1]!;
    records[2 * page] = 0;
    records[2 * page + 1] = 0;
    if (mapper === SHARED) {
      const slots = this.sharers.get(page)!;
      this.sharers.delete(page);
      this.sharers.set(to, slots);
      for (const slot of slots) table.setEntry(slot, to + 1);
    } else if (mapper !== 0) table.setEntry(mapper - 1, to + 1);
  }
}
