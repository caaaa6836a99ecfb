import { MirrorError } from '../driver/index.js';
import { IdList } from '../address/index.js';
import { ContentTable } from './content-table.js';
import { changeEntries, keysOf } from './entries.js';
import type { HostState } from './host-state.js';
import { PAGE_CACHED, PAGE_HELD, PAGE_LOCKED, PAGE_LOST, PAGE_OWNED, PAGE_ZERO } from './page-state.js';
import type { PageStore } from './page-store.js';
import { PageWords } from './page-words.js';
import type { Region } from './region.js';

/** Most entries of one page: what walks all of them must end soon. As the kernel's `max_page_sharing`. */
const MAX_SHARERS = 256;

/** What one pass of merging has seen, and the step that merges. Every step is synchronous: nothing changes in the middle of it. */
export class SamePages {
  /** Entries looked at. */
  scanned = 0;
  /** Entries that have another page now, or none. */
  merged = 0;
  /** Entries left alone because their page was in use. */
  refused = 0;
  /** Pages that were given back. */
  freed = 0;
  private readonly host: HostState;
  private readonly store: PageStore;
  private readonly words: PageWords;
  private readonly contents = new ContentTable();
  /** A page that the tracker is asked about, and its answer. */
  private readonly asked = new IdList(1);
  private readonly answered = new IdList(1);
  /** One bit a page: it is in `contents`, or was. */
  private known = new Uint32Array(64);

  constructor(host: HostState) {
    this.host = host;
    this.store = host.store;
    this.words = new PageWords(host.store.host);
  }

  /** Looks at the entry of a page of a mergeable region, and merges it if it can. Returns whether the page's bytes were read. */
  visit(region: Region, key: number): boolean {
    const { store, words, contents } = this;
    const page = store.lookup(key);
    if (page < 0 || store.any(page, PAGE_CACHED)) return false;
    const zero = store.any(page, PAGE_ZERO);
    // A private copy of a file's zeros: its host bytes say nothing, and without it the file would show.
    if (zero && region.object !== undefined) return false;
    this.scanned++;
    if (isInUse(store, page)) {
      this.refused++;
      return false;
    }
    if (this.knows(page)) return false;
    if (zero || (!words.hash(page) && region.object === undefined)) {
      this.drop(key, page);
      return !zero;
    }
    const { low, high } = words;
    const keep = contents.get(low, high);
    if (keep >= 0 && keep !== page && this.mayKeep(keep) && this.replace(key, page, keep)) return true;
    // The newest stays: the one before is full, has changed, or is another page with the same hash.
    contents.set(low, high, page);
    this.know(page);
    return true;
  }

  /** Unmaps a page of zeros: an untouched page of anonymous memory reads as zeros, too. */
  private drop(key: number, page: number): void {
    const { store, words } = this;
    this.change(key, () => {
      if (store.lookup(key) !== page || isInUse(store, page)) return;
      if (!store.any(page, PAGE_ZERO) && words.hash(page)) return;
      this.carryWritten(page, [key]);
      this.unlink(key, page);
    });
  }

  /** Gives an entry the page `keep` in place of `page`, if they are equal. Returns whether it is done with the entry. */
  private replace(key: number, page: number, keep: number): boolean {
    const { store, words } = this;
    let equal = false;
    const asked = this.change(key, () => {
      // Whoever was told may have changed anything.
      if (store.lookup(key) !== page || isInUse(store, page) || !this.mayKeep(keep)) return;
      equal = words.equal(page, keep);
      if (!equal) return;
      this.carryWritten(page, [key]);
      this.carryWritten(keep, keysOf(store, keep));
      this.unlink(key, page);
      store.link(key, keep);
    });
    return equal || !asked;
  }

  /** Takes the page out of an entry; it is given back with its last one. */
  private unlink(key: number, page: number): void {
    this.merged++;
    if (this.store.mapCount(page) === 1) this.freed++;
    this.store.unlink(key, page);
  }

  /** Changes an entry, unless a notifier refuses: nobody may wait here. Returns whether none did. */
  private change(key: number, change: () => void): boolean {
    try {
      changeEntries(this.store, [key], 'clear', change, undefined, false);
      return true;
    } catch (error) {
      if (!(error instanceof MirrorError && error.code === 'BUSY')) throw error;
      this.refused++;
      return false;
    }
  }

  /** Whether entries may be given this page, whatever became of it since it was noted. */
  private mayKeep(page: number): boolean {
    const { store, host } = this;
    const count = store.mapCount(page);
    if (count === 0 || count >= MAX_SHARERS) return false;
    if (isInUse(store, page) || store.any(page, PAGE_CACHED | PAGE_ZERO)) return false;
    for (let i = 0; i < count; i++) {
      const key = store.mappingKey(page, i);
      const { regions, base, pageSize } = host.spaces.get(store.spaces.at(key).base)!;
      const region = regions.at((key - base) * pageSize);
      if (region !== undefined && isMergeable(region)) return true;
    }
    return false;
  }

  /** What the tracker knows of a page becomes known of its entries, which part from it or are joined by others. */
  private carryWritten(page: number, keys: readonly number[]): void {
    const { tracker } = this.store.host;
    if (!tracker.written(page)) return;
    for (const key of keys) this.store.written.note(key);
    if (keys.length < this.store.mapCount(page)) return;
    this.asked.clear();
    this.asked.push(page);
    this.answered.clear();
    tracker.collect(this.asked, this.answered);
  }

  private knows(page: number): boolean {
    return ((this.known[page >>> 5] ?? 0) & (1 << (page & 31))) !== 0;
  }

  private know(page: number): void {
    if (page >>> 5 >= this.known.length) {
      const known = new Uint32Array(Math.max((page >>> 5) + 1, this.known.length * 2));
      known.set(this.known);
      this.known = known;
    }
    this.known[page >>> 5]! |= 1 << (page & 31);
  }
}

/** Whether pages of a region may be merged: private contents only, of those who asked for it. */
export function isMergeable(region: Region): boolean {
  return region.advice.mergeable === true && !region.shared;
}

/** Whether somebody needs this very page (R5): a device, a hold, a copy under way; or it is lost. */
function isInUse(store: PageStore, page: number): boolean {
  return store.devicesOf(page) !== 0 || store.any(page, PAGE_LOCKED | PAGE_HELD | PAGE_LOST | PAGE_OWNED);
}
