import { IdList, readAhead } from '../address/index.js';
import {
  type DevicePages,
  PAGE_DEAD,
  PAGE_OWNED,
  PAGE_WRITTEN,
  type PageStore,
  type RecallMode,
} from '../space/index.js';
import { Departures } from './departures.js';
import { PageMoves } from './page-moves.js';
import { BLOCK_LOCKED, BLOCK_PINNED, type FrameTable } from './frame-table.js';

const FIRST_CAPACITY = 256;
const DOUBLE_UP_TO = 1 << 16;

/** What a residency needs of the pool it belongs to. */
export interface ResidencyPool {
  readonly name: string;
  readonly frames: FrameTable;
  coldest(residency: Residency, count: number): number[];
  accessed(residency: Residency, pages: Uint32Array): Promise<Uint8Array>;
  recall(residency: Residency, pages: Uint32Array, count: number, mode: RecallMode): Promise<void>;
  flush(): Promise<void>;
  kick(): void;
}

/** Which pages of one host memory are in a device's frames. */
export class Residency implements DevicePages {
  readonly store: PageStore;
  /** The device's bit in the page flags. */
  readonly bit: number;
  /** Number of this residency in its pool. */
  readonly index: number;
  /** Mirrors on it. */
  mirrors = 0;
  /** Grows with every entry of an owned page that an invalidation takes: its dirty bit goes with it, unread. */
  taken = 0;
  /** Dead pages whose frames the next flush frees. */
  readonly dead: number[] = [];
  /** Pages of which its copies lack plain stores. */
  readonly stale = new IdList();
  /** Live pages that the round being collected makes it the owner of: frames, pages, HAD_COPY or 0. */
  readonly claims = new PageMoves();
  /** Which pages left lately, or are not the device's own any more. */
  readonly departures = new Departures();
  private readonly pool: ResidencyPool;
  /** Frame + 1, by page; 0 for none. */
  private frameOf = new Uint32Array(FIRST_CAPACITY);

  constructor(pool: ResidencyPool, store: PageStore, index: number) {
    this.pool = pool;
    this.store = store;
    this.index = index;
    this.bit = store.openDevice(this);
  }

  /** Name of the device. */
  get name(): string {
    return this.pool.name;
  }

  /** Metadata in bytes. */
  get bytes(): number {
    return this.frameOf.byteLength + this.departures.bytes;
  }

  /** Pages in frames. */
  get resident(): number {
    return this.pool.frames.countOf(this.index);
  }

  /** The frame that holds a page, or -1. */
  frame(page: number): number {
    return page < this.frameOf.length ? this.frameOf[page]! - 1 : -1;
  }

  /** Reads ahead what `frame` says of the first `count` pages. */
  readAhead(pages: Uint32Array, count: number): void {
    const { frameOf } = this;
    let read = 0;
    for (let i = 0; i < count; i++) read |= frameOf[pages[i]!]!;
    readAhead[0] = read;
  }

  /** As `readAhead` of what keys map, where some may map nothing. */
  readAheadOf(contents: Int32Array, count: number): void {
    const { frameOf } = this;
    const last = frameOf.length - 1;
    let read = 0;
    for (let i = 0; i < count; i++) read |= frameOf[Math.min(last, Math.max(0, contents[i]!))]!;
    readAhead[0] = read;
  }

  /** Notes that a frame holds a page. */
  enter(page: number, frame: number): void {
    if (page >= this.frameOf.length) this.grow(page + 1);
    this.frameOf[page] = frame + 1;
    this.store.setDevice(page, this.bit);
  }

  /** Notes that no frame holds the page any more; if the device owned it, what it had is home or not wanted. A dead page that nothing else keeps is freed. */
  leave(page: number): void {
    // A victim that no page took the frame of left when the device was lost.
    if (this.frame(page) < 0) return;
    this.frameOf[page] = 0;
    if (this.store.any(page, PAGE_OWNED)) this.store.cameHome(page);
    this.noteDeparture(page);
    this.store.unmark(page, PAGE_OWNED | PAGE_WRITTEN);
    this.store.clearDevice(page, this.bit);
  }

  /** Notes that the device has a page as a copy only, if it was the owner. */
  disown(page: number): void {
    if (!this.store.any(page, PAGE_OWNED)) return;
    this.store.cameHome(page);
    this.noteDeparture(page);
    this.store.unmark(page, PAGE_OWNED | PAGE_WRITTEN);
  }

  /** As `leave`, and unlocks the page. */
  leaveAndUnlock(page: number): void {
    if (this.store.releaseHeldBy(page, 1 << this.bit)) {
      this.frameOf[page] = 0;
      this.store.copyGone(page);
      this.noteDeparture(page);
      this.store.lists?.offDevice(page);
    } else {
      this.leave(page);
      this.store.unlock(page);
    }
  }

  /** Notes that the device has a page no more, or not as its owner. What no entry maps any more nobody lacks. */
  noteDeparture(page: number): void {
    if (!this.departures.watched) return;
    const key = this.store.onlyKeyOf(page);
    if (key >= 0) this.departures.note(key);
    else if (key !== -1) this.departures.noteUnknown();
  }

  coldest(count: number): number[] {
    return this.pool.coldest(this, count);
  }

  mayLeave(page: number): boolean {
    const frame = this.frame(page);
    return frame >= 0 && !this.pool.frames.isBlocked(frame);
  }

  accessed(pages: Uint32Array): Promise<Uint8Array> {
    return this.pool.accessed(this, pages);
  }

  /** Locks a page that a frame holds. */
  lockIn(frame: number, page: number): void {
    if (this.store.lockHeldBy(page, 1 << this.bit)) this.pool.frames.flags[frame]! |= BLOCK_LOCKED;
    else this.store.lock(page);
  }

  /** Unlocks a page that a frame holds. */
  unlockIn(frame: number, page: number): void {
    if (this.store.unlockHeldBy(page, 1 << this.bit)) this.pool.frames.flags[frame]! &= ~BLOCK_LOCKED;
    else this.store.unlock(page);
  }

  /** Notes that an entry of a page is about to leave the device page table. */
  uninstall(page: number): void {
    const frame = this.frame(page);
    if (frame >= 0) this.pool.frames.setInstalled(frame, false);
  }

  /** Notes that what is in a frame was copied home and stays for reading. */
  cleaned(frame: number): void {
    this.pool.frames.setDirty(frame, false);
  }

  discard(page: number): void {
    this.block(page, true);
    this.dead.push(page);
  }

  block(page: number, blocked: boolean): void {
    const frame = this.frame(page);
    if (frame < 0) return;
    const bits = this.pool.frames.flags;
    if (blocked) bits[frame]! |= BLOCK_LOCKED;
    else if (!this.store.any(page, PAGE_DEAD)) bits[frame]! &= ~BLOCK_LOCKED;
  }

  isPinned(page: number): boolean {
    const frame = this.frame(page);
    return frame >= 0 && (this.pool.frames.flags[frame]! & BLOCK_PINNED) !== 0;
  }

  moved(page: number, to: number): void {
    const frame = this.frame(page);
    if (frame < 0) return;
    this.frameOf[page] = 0;
    if (to >= this.frameOf.length) this.grow(to + 1);
    this.frameOf[to] = frame + 1;
    this.pool.frames.pageOf[frame] = to;
  }

  recall(pages: Uint32Array, count: number, mode: RecallMode): Promise<void> {
    return this.pool.recall(this, pages, count, mode);
  }

  flush(): Promise<void> {
    return this.pool.flush();
  }

  refresh(page: number): void {
    this.stale.push(page);
  }

  kick(): void {
    this.pool.kick();
  }

  /** Gives the device's bit back; nothing may be resident any more. */
  close(): void {
    this.store.closeDevice(this.bit);
  }

  private grow(needed: number): void {
    const length = this.frameOf.length;
    const capacity = Math.max(needed, length < DOUBLE_UP_TO ? length * 2 : Math.ceil(length * 1.0625));
    const frameOf = new Uint32Array(capacity);
    frameOf.set(this.frameOf);
    this.frameOf = frameOf;
  }
}
