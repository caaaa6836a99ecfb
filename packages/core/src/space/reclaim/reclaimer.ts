import { nextTurn } from '../../kit/index.js';
import { PAGE_ACCESSED } from '../page-state.js';
import type { PageStore } from '../page-store.js';
import type { SourceLimits } from '../source.js';
import type { CheckedReclaim } from './options.js';
import { pageOut } from './page-out.js';
import type { PageOutCounts } from './page-out-target.js';
import { takeOffDevices } from './shrink.js';
import { type KeptPages, SwapIn } from './swap-in.js';

/** Most pages taken at a time. */
const PORTION = 256;
/** What is freed beyond what is asked for, as a share of the budget: so that the next page does not have to ask again. */
const SLACK_SHIFT = 5;
/** Portions in a row that may free nothing before a pass gives up. */
const FRUITLESS = 4;

/** What reclaim did on a host memory since it began. Counts of pages. */
export interface ReclaimStats extends PageOutCounts {
  /** Pages brought back from the swap store. */
  swappedIn: number;
  /** Pages that devices were made to give up. */
  takenOffDevices: number;
}

/**
 * Keeps a host memory to its budget: takes the coldest ordinary pages out, and, in proportion, the coldest off the devices first
 * (the RFC's shrinker). One pass at a time; in the background when something that may not wait went beyond the budget.
 */
export class Reclaimer {
  readonly options: CheckedReclaim;
  readonly counts: Omit<ReclaimStats, 'swappedIn'> = {
    swappedOut: 0,
    dropped: 0,
    noRoom: 0,
    takenOffDevices: 0,
    stayed: 0,
  };
  private readonly store: PageStore;
  private readonly budget: number;
  private readonly swapIn: SwapIn | undefined;
  private tail: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  constructor(store: PageStore, options: CheckedReclaim) {
    this.store = store;
    this.options = options;
    this.budget = Math.floor(Math.min(options.budget, store.host.limit) / store.host.pageSize);
    this.swapIn = options.swap === undefined ? undefined : new SwapIn(store, options.swap);
  }

  /** What it did. */
  get stats(): ReclaimStats {
    return { ...this.counts, swappedIn: this.swapIn?.count ?? 0 };
  }

  /** Begins to get back to the budget, if host memory is beyond it. Synchronous. */
  kick(): void {
    if (!this.over || this.waiting > 0) return;
    // What fails is tried again with the next page; whoever runs into the limit of host memory is told.
    this.free(() => this.inMemory - this.budget).catch(() => undefined);
  }

  /** Whether host memory is beyond the budget. */
  get over(): boolean {
    return this.inMemory > this.budget;
  }

  /** Pages in host memory. */
  private get inMemory(): number {
    const { host } = this.store;
    return host.inMemory ?? host.used;
  }

  /** Most pages to bring at a time, at least 1: an eighth of the budget, so that several reads fit. */
  get portion(): number {
    return Math.max(1, Math.floor(this.budget / 8));
  }

  /** Whether `count` more pages fit the budget. */
  fits(count: number): boolean {
    return this.inMemory + count <= this.budget;
  }

  /** Resolves when `count` more pages fit the budget, or nothing more can leave: to whether they fit. */
  async makeRoom(count: number): Promise<boolean> {
    if (!this.fits(count)) await this.free(() => this.inMemory + count - this.budget).catch(() => undefined);
    return this.fits(count);
  }

  /**
   * Takes as many pages out of host memory as `wanted` says when it is this call's turn, if so many may leave, the coldest first, and
   * a few more unless `exactly`; resolves to how many left.
   * @throws MirrorError `IO`, `DEVICE_TIMEOUT` if nothing could be freed because what was to keep the pages failed
   */
  free(wanted: () => number, exactly = false): Promise<number> {
    return this.next(() => this.pass(wanted(), exactly));
  }

  /** Takes certain pages out, as far as they may leave; resolves to how many left. @throws MirrorError `IO`, `DEVICE_TIMEOUT` */
  pageOut(pages: () => Iterable<number>): Promise<number> {
    return this.next(() => this.putOut([...pages()]));
  }

  /**
   * Frees a page where host memory has none left at all.
   * @throws `refusal`, the error that said so, if nothing can leave
   */
  async relieve(refusal: unknown): Promise<void> {
    const { counts } = this;
    const dropped = counts.dropped;
    const left = await this.free(() => 1).catch(() => 0);
    // What the system pages out keeps its frame.
    const freed = this.store.host.pageOut === undefined ? left : counts.dropped - dropped;
    if (freed === 0) throw refusal as Error;
  }

  /** Brings pages back from their slots; see {@link SwapIn.bring}. */
  async bring(slots: readonly number[], limits: SourceLimits, kept?: KeptPages): Promise<void> {
    await this.makeRoom(slots.length);
    await this.swapIn!.bring(slots, limits, kept);
  }

  /** One thing at a time, in turn. */
  private next(work: () => Promise<number>): Promise<number> {
    this.waiting++;
    // What became available in a turn belongs to whoever waited for it: it is not taken away before the next one.
    const result = this.tail
      .then(nextTurn)
      .then(work)
      .finally(() => this.waiting--);
    this.tail = result.catch(() => undefined);
    return result;
  }

  private async pass(asked: number, exactly: boolean): Promise<number> {
    const { store } = this;
    const lists = store.lists!;
    const target = asked + (exactly ? 0 : Math.min(PORTION, this.budget >>> SLACK_SHIFT));
    // Every page is looked at twice at most: those that stay go to the end of the list, and what was accessed may be cold by then.
    let left = 2 * (lists.ordinary.size + lists.used);
    let freed = 0;
    let fruitless = 0;
    while (asked > 0 && freed < target && left > 0 && fruitless < FRUITLESS) {
      const want = Math.min(PORTION, target - freed, left);
      left -= want;
      const share = Math.ceil((want * lists.used) / Math.max(1, lists.ordinary.size + lists.used));
      const ordinary = this.takeOrdinary(want - share);
      const taken = await takeOffDevices(store, want - ordinary.length);
      this.counts.takenOffDevices += taken.length;
      const before = this.gone;
      let got: number;
      try {
        got = await this.putOut(ordinary.concat(taken));
      } catch (error) {
        freed += this.gone - before;
        if (freed === 0) throw error;
        return freed;
      }
      freed += got;
      fruitless = got === 0 ? fruitless + 1 : 0;
    }
    return freed;
  }

  /** Pages that left so far. */
  private get gone(): number {
    return this.counts.swappedOut + this.counts.dropped;
  }

  private takeOrdinary(count: number): number[] {
    const out = new Uint32Array(count);
    const taken = out.subarray(0, this.store.lists!.ordinary.takeColdest(out, count));
    for (const page of taken) this.store.unmark(page, PAGE_ACCESSED);
    return Array.from(taken);
  }

  private async putOut(pages: readonly number[]): Promise<number> {
    const { store, options } = this;
    try {
      return await pageOut({ store, swap: options.swap, timeoutMs: options.timeoutMs }, pages, this.counts);
    } finally {
      for (const page of pages) store.relist(page);
    }
  }
}
