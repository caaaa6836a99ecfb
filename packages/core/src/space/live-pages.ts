import { IdList } from '../address/index.js';
import { LiveCopies } from './live-copies.js';
import { LIVE_BLOCK, type LiveMemory, type LiveRange } from './live-memory.js';

/** An open range, and the pages that exist of it. */
interface Shown {
  readonly range: LiveRange;
  pages: number;
  ended: boolean;
  /** Blocks of page numbers that it has. */
  readonly blocks: number[];
  /** Pages that were freed after it had ended, and not given back yet. */
  readonly freed: IdList;
}

/** The pages of a host memory that plain loads and stores reach. A page that a device owns is withheld from them until it is home. */
export class LivePages {
  /** Of which pages devices have copies. */
  readonly copies = new LiveCopies();
  /** Called when a range was closed: its addresses are nobody's then. */
  readonly onClosed = new Set<(range: LiveRange) => void>();
  private readonly memory: LiveMemory;
  private readonly shown = new Map<LiveRange, Shown>();
  /** The same by block of page numbers. */
  private readonly byBlock = new Map<number, Shown>();
  /** Ranges that ended and have pages still. */
  private readonly ending = new Set<Shown>();
  /** Pages that came home and are withheld still. */
  private readonly home = new IdList();
  private readonly stores = new IdList();
  private readonly one = new Uint32Array(1);

  constructor(memory: LiveMemory) {
    this.memory = memory;
  }

  /** Metadata in bytes. */
  get bytes(): number {
    return this.copies.bytes + 48 * this.byBlock.size;
  }

  /** Opens a range. @throws MirrorError `OUT_OF_HOST_MEMORY`, `UNSUPPORTED` */
  open(count: number): LiveRange {
    const range = this.memory.open(count);
    this.shown.set(range, { range, pages: 0, ended: false, blocks: [], freed: new IdList(0) });
    return range;
  }

  /** Nobody maps the range any more: it is closed when its last page is free. Those that are freed from now on are given back together. */
  end(range: LiveRange): void {
    const shown = this.shown.get(range)!;
    shown.ended = true;
    this.ending.add(shown);
    this.closeUnused(shown);
  }

  /** Page `index` of a range begins to exist. Returns its number. @throws MirrorError `OUT_OF_HOST_MEMORY` */
  take(range: LiveRange, index: number): number {
    const page = this.memory.take(range.first + index);
    const shown = this.shown.get(range)!;
    const block = Math.floor(page / LIVE_BLOCK);
    if (this.byBlock.get(block) === undefined) {
      this.byBlock.set(block, shown);
      shown.blocks.push(block);
    }
    shown.pages++;
    return page;
  }

  /** Frees a page. */
  free(page: number): void {
    const shown = this.byBlock.get(Math.floor(page / LIVE_BLOCK))!;
    shown.pages--;
    if (shown.ended) {
      shown.freed.push(page);
      this.closeUnused(shown);
    } else {
      this.one[0] = page;
      this.memory.free(this.one, 1);
    }
  }

  /** Gives back what was freed of ranges that ended and have other pages still. */
  giveBack(): void {
    for (const { freed } of this.ending) {
      if (freed.length > 0) this.memory.free(freed.items, freed.length);
      freed.clear();
    }
  }

  /** Takes pages away from plain accesses, synchronously. */
  withhold(pages: Uint32Array, count: number): void {
    this.memory.withhold(pages, count);
  }

  /** Notes that a page is no device's any more: {@link settle} shows it again. */
  cameHome(page: number): void {
    this.home.push(page);
  }

  /** Shows pages again that came home, but for those that are `withheld` again, or free; and gives back what was freed. */
  settle(isWithheld: (page: number) => boolean): void {
    if (this.home.length > 0) this.restore(isWithheld);
    if (this.ending.size > 0) this.giveBack();
  }

  /** Calls `use` with every page that plain stores wrote since this was last asked, and forgets that they were; as far as devices have copies. */
  collectStores(use: (page: number) => void): void {
    const { stores, memory } = this;
    stores.clear();
    this.copies.eachRun((first, count) => memory.collect(first, count, stores));
    for (let i = 0; i < stores.length; i++) use(stores.items[i]!);
  }

  /** The same of some neighbours, whoever has copies. */
  collectWithin(first: number, count: number, use: (page: number) => void): void {
    const { stores } = this;
    stores.clear();
    this.memory.collect(first, count, stores);
    for (let i = 0; i < stores.length; i++) use(stores.items[i]!);
  }

  /** A device is about to get a copy of a page. What was stored before nobody has to hear of later. */
  copied(page: number, use: (page: number) => void): void {
    if (this.copies.add(page)) this.collectWithin(page - (page % LIVE_BLOCK), LIVE_BLOCK, use);
  }

  private restore(isWithheld: (page: number) => boolean): void {
    const { home } = this;
    let count = 0;
    for (let i = 0; i < home.length; i++) if (!isWithheld(home.items[i]!)) home.items[count++] = home.items[i]!;
    home.length = count;
    if (count > 0) this.memory.restore(home.items, count);
    home.clear();
  }

  private closeUnused(shown: Shown): void {
    if (!shown.ended || shown.pages > 0) return;
    this.ending.delete(shown);
    this.shown.delete(shown.range);
    for (const block of shown.blocks) this.byBlock.delete(block);
    shown.range.close();
    for (const tell of this.onClosed) tell(shown.range);
  }
}
