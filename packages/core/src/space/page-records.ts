import { readAhead } from '../address/index.js';
import { PAGE_ACCESSED, PAGE_DEAD, PAGE_LOCKED, PAGE_OWNED, PAGE_USED, PAGE_WRITTEN, PAGE_ZERO } from './page-state.js';

/** In the first word of a record: several entries map the page. */
export const SHARED = 0xffffffff;
/** Where the page flag begins in the second word of a record. */
export const DEVICES_SHIFT = 16;
const STATE_MASK = 0xffff;
const FIRST_CAPACITY = 256;
const EXACT_GROWTH_BELOW = 1 << 16;
/** What a page that nobody else uses may be. */
const PAGE_PLAIN = PAGE_USED | PAGE_ZERO | PAGE_ACCESSED;

/** What is known about each page, whoever maps it. */
export class PageRecords {
  /**
   * Two words a page, side by side so that one cache line says all about it. The first is the reverse map: slot + 1 of the one
   * entry that maps the page, 0 for none, SHARED for several (see `sharers`). The second has the page's `PAGE_*` bits, and above
   * them the page flag of the 2014 RFC: bit `d` says that device `d` holds a copy.
   */
  protected records = new Uint32Array(2 * FIRST_CAPACITY);

  /** The `PAGE_*` bits of a page. */
  stateOf(page: number): number {
    return this.records[2 * page + 1]! & STATE_MASK;
  }

  /** Whether a page has one or more of these `PAGE_*` bits. */
  any(page: number, bits: number): boolean {
    return (this.records[2 * page + 1]! & bits) !== 0;
  }

  /** Sets `PAGE_*` bits. */
  mark(page: number, bits: number): void {
    this.records[2 * page + 1]! |= bits;
  }

  /** Clears `PAGE_*` bits. */
  unmark(page: number, bits: number): void {
    this.records[2 * page + 1]! &= ~bits;
  }

  /** The page flag: bit `d` says that device `d` holds a copy of the page. */
  devicesOf(page: number): number {
    return this.records[2 * page + 1]! >>> DEVICES_SHIFT;
  }

  /**
   * As `lock`, where the devices of `mask` and no others hold the page; else it does nothing and returns false. It leaves it to
   * the caller, who knows the frame, to keep it from being evicted.
   */
  lockHeldBy(page: number, mask: number): boolean {
    const record = this.records[2 * page + 1]!;
    if (record >>> DEVICES_SHIFT !== mask) return false;
    this.records[2 * page + 1] = record | PAGE_LOCKED;
    return true;
  }

  /** As `unlock`, under the terms of `lockHeldBy`, where the page is alive. */
  unlockHeldBy(page: number, mask: number): boolean {
    const record = this.records[2 * page + 1]!;
    if (record >>> DEVICES_SHIFT !== mask || (record & PAGE_DEAD) !== 0) return false;
    this.records[2 * page + 1] = record & ~PAGE_LOCKED;
    return true;
  }

  /** As `unlock`, and no device holds or owns the page any more, under the terms of `unlockHeldBy`. */
  releaseHeldBy(page: number, mask: number): boolean {
    const record = this.records[2 * page + 1]!;
    if (record >>> DEVICES_SHIFT !== mask || (record & PAGE_DEAD) !== 0) return false;
    this.records[2 * page + 1] = record & STATE_MASK & ~(PAGE_LOCKED | PAGE_OWNED | PAGE_WRITTEN);
    return true;
  }

  /**
   * Whether all of the first `count` are pages that nothing but one mapping refers to: no device, hold, lock, cache, loss or
   * other mapping stands in the way of using them. Short for the same reason.
   */
  areIdle(pages: Int32Array, count: number): boolean {
    const { records } = this;
    let busy = 0;
    for (let i = 0; i < count; i++) {
      const page = pages[i]!;
      if (page < 0) return false;
      busy |= (records[2 * page + 1]! & ~PAGE_PLAIN) | Number(records[2 * page] === SHARED);
    }
    return busy === 0;
  }

  /** Reads ahead what is known about the first `count` of what keys map, see `lookupAll`. */
  readAheadOf(contents: Int32Array, count: number): void {
    const { records } = this;
    let read = 0;
    for (let i = 0; i < count; i++) read |= records[2 * Math.max(0, contents[i]!) + 1]!;
    readAhead[0] = read;
  }

  /** Makes the records of new pages: used, zeros, mapped nowhere, on no device. */
  protected prepare(first: number, count: number): void {
    if (2 * (first + count) > this.records.length) this.grow(first + count);
    const { records } = this;
    for (let page = first; page < first + count; page++) {
      records[2 * page] = 0;
      records[2 * page + 1] = PAGE_USED | PAGE_ZERO;
    }
  }

  private grow(needed: number): void {
    const pages = this.records.length / 2;
    const step = pages < EXACT_GROWTH_BELOW ? pages * 2 : Math.ceil(pages * 1.0625);
    const records = new Uint32Array(2 * Math.max(needed, step));
    records.set(this.records);
    this.records = records;
  }
}
