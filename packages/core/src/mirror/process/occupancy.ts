import { IdList, PageTable } from '../../address/index.js';
import type { EvictionPolicy } from '../../policy/index.js';
import { type PageRun, runsOf } from './page-runs.js';

/** Why a place is no victim: bits of `FRAME_BLOCKED`. */
const PINNED = 1;
const SPARED = 2;
const NOTHING: PageRun = { page: 0, count: 0 };

/**
 * What is thought to be in a device's memory: pages of the process, in as many places as the device has frames. The system moves pages home
 * without telling, so this is what a snapshot said last, or what core asked for last. The eviction policy orders the places.
 */
export class Occupancy {
  /** Places. */
  readonly capacity: number;
  private readonly policy: EvictionPolicy;
  /** Place + 1 by page. */
  private readonly places = new PageTable();
  private readonly pageOf: Float64Array;
  private readonly free: number[] = [];
  private made = 0;
  /** Where {@link next} goes on. */
  private hand = 0;
  /** Why places are no victims, for the policy. */
  private readonly flags: Uint8Array;
  /** What is being brought: nothing of it leaves meanwhile. */
  private spared: PageRun = NOTHING;
  private readonly slots = new IdList();
  private readonly one = new Uint32Array(1);
  private readonly onePage = new Float64Array(1);

  constructor(capacity: number, policy: EvictionPolicy) {
    this.capacity = capacity;
    this.policy = policy;
    this.pageOf = new Float64Array(capacity).fill(-1);
    this.flags = new Uint8Array(capacity);
  }

  /** Pages that are there. */
  get size(): number {
    return this.places.size;
  }

  /** Bytes of metadata. */
  get bytes(): number {
    return this.pageOf.byteLength + this.flags.byteLength + this.policy.bytes + this.places.bytes;
  }

  has(page: number): boolean {
    return this.places.get(page) !== 0;
  }

  /** Notes that a page is there, and used. `false`: there is no place left, and the page is noted nowhere. */
  enter(page: number): boolean {
    const known = this.places.get(page) - 1;
    const place = known >= 0 ? known : (this.free.pop() ?? (this.made < this.capacity ? this.made++ : -1));
    if (place < 0) return false;
    this.places.set(page, place + 1);
    this.pageOf[place] = page;
    this.one[0] = place;
    this.onePage[0] = page;
    this.policy.insert(this.one, 1, this.onePage);
    if (page >= this.spared.page && page < this.spared.page + this.spared.count) this.flag(place, SPARED, true);
    return true;
  }

  /** Notes that a page is there no more. */
  leave(page: number): void {
    const place = this.places.get(page) - 1;
    if (place < 0) return;
    this.one[0] = place;
    this.policy.remove(this.one, 1);
    this.drop(page, place);
  }

  /** Notes that none of a range of pages is there any more. */
  forget(from: number, to: number): void {
    for (const page of this.pagesWithin(from, to)) this.leave(page);
  }

  /** Notes a use of a page; `false` where it is not there. */
  touch(page: number): boolean {
    const place = this.places.get(page) - 1;
    if (place < 0) return false;
    this.one[0] = place;
    this.policy.touch(this.one, 1);
    return true;
  }

  /** Keeps a page from eviction, or lets it go. */
  pin(page: number, pinned: boolean): void {
    const place = this.places.get(page) - 1;
    if (place >= 0) this.flag(place, PINNED, pinned);
  }

  /** Keeps pages of a run from eviction, those that come too, until another run is to be spared. */
  spare(run: PageRun = NOTHING): void {
    const { page, count } = this.spared;
    for (const there of this.pagesWithin(page, page + count)) this.flag(this.places.get(there) - 1, SPARED, false);
    this.spared = run;
    for (const there of this.pagesWithin(run.page, run.page + run.count))
      this.flag(this.places.get(there) - 1, SPARED, true);
  }

  /**
   * Pages to give up, at most `count` (more where the policy gives up whole units), as it orders them: those are there no more. What is pinned
   * or spared is passed over.
   */
  victims(count: number): PageRun[] {
    const out = new Uint32Array(count + (this.policy.overshoot ?? 0));
    const chosen = this.policy.victims(out, count, this.flags);
    const pages = out.subarray(0, chosen);
    const numbers = Float64Array.from(pages, (place) => this.pageOf[place]!);
    for (let i = 0; i < chosen; i++) this.drop(numbers[i]!, pages[i]!);
    return runsOf(numbers.sort());
  }

  /** The pages that are there of the next `count` places: each in its turn, if one asks again and again. */
  next(count: number): PageRun[] {
    const pages = new Float64Array(Math.min(count, this.made));
    let found = 0;
    for (let i = 0; i < pages.length; i++) {
      this.hand = (this.hand + 1) % this.made;
      const page = this.pageOf[this.hand]!;
      if (page >= 0) pages[found++] = page;
    }
    return runsOf(pages.subarray(0, found).sort());
  }

  /** All pages within `[from, to)`, as runs. */
  within(from: number, to: number): PageRun[] {
    return runsOf(this.pagesWithin(from, to));
  }

  private pagesWithin(from: number, to: number): Float64Array {
    const { places, slots } = this;
    slots.clear();
    places.collect(from, to, slots);
    return Float64Array.from(slots.items.subarray(0, slots.length), (slot) => places.pageOfSlot(slot));
  }

  private flag(place: number, flag: number, on: boolean): void {
    this.flags[place] = on ? this.flags[place]! | flag : this.flags[place]! & ~flag;
  }

  private drop(page: number, place: number): void {
    this.places.delete(page);
    this.pageOf[place] = -1;
    this.flags[place] = 0;
    this.free.push(place);
  }
}
