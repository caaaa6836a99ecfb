import { MirrorError } from '../driver/index.js';
import type { NotifierList } from '../notifier/index.js';
import { CacheHomes } from './cache-homes.js';
import type { DevicePages } from './device-pages.js';
import type { HostMemory } from './host-memory.js';
import { PageEntries } from './page-entries.js';
import { DEVICES_SHIFT } from './page-records.js';
import { PAGE_CACHED, PAGE_DEAD, PAGE_HELD, PAGE_LOCKED, PAGE_USED, PAGE_ZERO } from './page-state.js';
import type { PageLists } from './reclaim/page-lists.js';
import { entryOfSlot, slotOf, type SwapTable } from './reclaim/swap-table.js';
import { Signal } from './signal.js';
import { TransferBuffers } from './transfer-buffers.js';
import { WrittenKeys } from './written-keys.js';

/** Page numbers a space has room for: 2^47 bytes in pages of 4096. */
const KEYS_PER_SPACE = 2 ** 35;
/** Devices that one host memory can have. */
export const MAX_DEVICES = 8;

/** What a page store knows of a space. */
export interface KeySpace {
  /** Key of its page 0. */
  readonly base: number;
  readonly pageSize: number;
  /** Who is told before its entries change. */
  readonly notifiers: NotifierList;
  /** Whether an untouched page at an address reads as zeros. */
  isAnonymous(address: number): boolean;
}

/** What keeps a host memory small; see `Reclaimer`. */
export interface Pressure {
  /** Whether host memory is beyond the budget. */
  readonly over: boolean;
  /** Most pages to bring at a time, at least 1: a small part of the budget. */
  readonly portion: number;
  /** Whether `count` more pages fit the budget. */
  fits(count: number): boolean;
  /** Begins to get back to the budget, if host memory is beyond it. Synchronous. */
  kick(): void;
  /** Resolves when `count` more pages fit the budget, or nothing more can leave: to whether they fit. */
  makeRoom(count: number): Promise<boolean>;
  /** Frees a page where host memory has none left at all. @throws `refusal`, the error that said so, if nothing can leave */
  relieve(refusal: unknown): Promise<void>;
}

/**
 * The pages of a host memory and where they are mapped: one table for all spaces on that memory, one record a page.
 * A page is content; its number is the number of its host frame. A key is a space's page number in the one table.
 */
export class PageStore extends PageEntries {
  readonly host: HostMemory;
  private readonly pools: (DevicePages | undefined)[] = [];
  private readonly spaces: (KeySpace | undefined)[] = [];
  /** Entries whose page the CPU had written before it was merged. */
  readonly written = new WrittenKeys();
  /** For what goes to and comes from sources. */
  readonly buffers = new TransferBuffers();
  /** Where cached pages are cached. */
  readonly homes = new CacheHomes();
  private readonly holders = new Map<number, number>();
  /** Slots of the swap store; where there is one. */
  swap: SwapTable | undefined;
  /** In which order pages would be reclaimed; where they are. */
  lists: PageLists | undefined;
  /** What reclaims them; where they are. */
  pressure: Pressure | undefined;
  /** Settles when the migration of host pages that is under way has ended. */
  moving: Promise<void> | undefined;
  /** Fires when locks, holds or mappings changed. */
  readonly changed = new Signal();

  constructor(host: HostMemory) {
    super();
    this.host = host;
  }

  /** Metadata in bytes: table, page records, host memory's own. */
  get bytes(): number {
    const lists = this.homes.bytes + this.written.bytes;
    const reclaim = (this.lists?.bytes ?? 0) + (this.swap?.bytes ?? 0);
    return this.entryBytes + lists + reclaim + this.host.metadataBytes;
  }

  /** Puts all pages on lists, from now on, and has something to call when there are too many. */
  beginReclaim(lists: PageLists, pressure: Pressure): void {
    this.lists = lists;
    this.pressure = pressure;
    for (let page = 0; 2 * page < this.records.length; page++) {
      if (!this.any(page, PAGE_USED)) continue;
      lists.toHost(page);
      if (this.devicesOf(page) !== 0) lists.toDevice(page);
    }
  }

  /** Takes a number for a space; its keys begin at `number * 2^35`. */
  openSpace(space: KeySpace): number {
    let id = this.spaces.indexOf(undefined);
    if (id < 0) id = this.spaces.length;
    this.spaces[id] = space;
    return id * KEYS_PER_SPACE;
  }

  /** The space that a key belongs to. */
  spaceAt(key: number): KeySpace {
    return this.spaces[Math.floor(key / KEYS_PER_SPACE)]!;
  }

  /** Gives a space's keys back. */
  closeSpace(base: number): void {
    this.spaces[base / KEYS_PER_SPACE] = undefined;
  }

  /** Takes a bit for a device's pages. @throws MirrorError `INVALID_ARGUMENT` when eight devices are attached */
  openDevice(pages: DevicePages): number {
    for (let bit = 0; bit < MAX_DEVICES; bit++) {
      if (this.pools[bit] !== undefined) continue;
      this.pools[bit] = pages;
      return bit;
    }
    throw new MirrorError(
      'INVALID_ARGUMENT',
      `${MAX_DEVICES} devices are attached to this host memory already; detach one, or give the space a host memory of its own`,
    );
  }

  /** Gives a device's bit back. */
  closeDevice(bit: number): void {
    this.pools[bit] = undefined;
  }

  /** The device behind a bit. */
  device(bit: number): DevicePages {
    return this.pools[bit]!;
  }

  /** Tells all devices that something they may wait for changed, and wakes all waiters. */
  announce(): void {
    this.changed.fire();
    for (let bit = 0; bit < this.pools.length; bit++) this.pools[bit]?.kick();
  }

  /** Makes a page of zeros that nothing maps yet. @throws MirrorError `OUT_OF_HOST_MEMORY` */
  create(): number {
    const page = this.host.allocate(1);
    this.prepare(page, 1);
    if (this.lists !== undefined) this.enlist(page, 1);
    return page;
  }

  /** Makes `count` pages of zeros with consecutive numbers. @throws MirrorError `OUT_OF_HOST_MEMORY` */
  createRun(count: number): number {
    const first = this.host.allocate(count);
    this.prepare(first, count);
    if (this.lists !== undefined) this.enlist(first, count);
    return first;
  }

  /** Frees a page that was made and never mapped or cached. */
  withdraw(page: number): void {
    this.records[2 * page + 1] = 0;
    this.lists?.leave(page);
    this.host.free(page);
  }

  /**
   * Gives a page the number of another host frame, which was allocated and has its content; frees the old one. Mappings, cache and
   * devices learn of it. The page must not be held, and locked by the caller at most. Synchronous.
   */
  renumber(page: number, to: number): void {
    this.prepare(to, 1);
    this.moveRecord(page, to);
    if (this.any(to, PAGE_CACHED)) this.homes.cacheOf(page).replace(this.homes.indexOf(page), to);
    for (let bit = 0, left = this.devicesOf(to); left !== 0; bit++, left >>= 1) {
      if ((left & 1) === 1) this.pools[bit]!.moved(page, to);
    }
    this.lists?.renumber(page, to, this.devicesOf(to) !== 0);
    this.host.free(page);
  }

  /** Makes a page zeros over whatever it holds. The host's own `zero` is for frames that nobody wrote to since they were allocated. */
  clear(page: number): void {
    const offset = this.host.offsetOf(page);
    this.host.bufferOf(page).fill(0, offset, offset + this.host.pageSize);
    this.mark(page, PAGE_ZERO);
  }

  /** Removes the mapping of `page` at `key`; the page dies with its last one unless it is cached. */
  unlink(key: number, page: number): void {
    this.detach(key, page);
    if (this.mapCount(page) === 0 && !this.any(page, PAGE_CACHED)) this.die(page);
  }

  /** Notes that an object caches a page at an index. */
  cache(page: number, object: number, index: number): void {
    this.mark(page, PAGE_CACHED);
    this.homes.enter(page, object, index);
  }

  /** Removes what the entry at a key says, a page or a slot of the swap store; nothing is no error. */
  clearEntry(key: number): void {
    const found = this.lookup(key);
    if (found >= 0) this.unlink(key, found);
    else if (found < -1) {
      this.table.delete(key);
      this.swap!.unrefer(slotOf(found), key);
    }
  }

  /** Lets the entry at `to`, where nothing is, say what the one at `from` says. */
  copyEntry(from: number, to: number): void {
    const found = this.lookup(from);
    if (found >= 0) this.link(to, found);
    else if (found < -1) this.linkSlot(to, slotOf(found));
  }

  /** Lets the entry at `key`, where nothing is, name a slot of the swap store. */
  linkSlot(key: number, slot: number): void {
    this.table.set(key, entryOfSlot(slot));
    this.swap!.refer(slot, key);
  }

  /** Takes a page out of its object's cache; it dies if nothing maps it. */
  uncache(page: number): void {
    this.unmark(page, PAGE_CACHED);
    if (this.mapCount(page) === 0) this.die(page);
  }

  /** Locks a page and keeps devices from evicting it. */
  lock(page: number): void {
    this.mark(page, PAGE_LOCKED);
    if (this.devicesOf(page) !== 0) this.blockOnDevices(page, true);
  }

  /** Unlocks a page; the caller announces once after a batch. */
  unlock(page: number): void {
    this.unmark(page, PAGE_LOCKED);
    if (this.devicesOf(page) !== 0) this.blockOnDevices(page, false);
    if (this.any(page, PAGE_DEAD)) this.reap(page);
  }

  /** Adds a CPU hold. */
  hold(page: number, bit: number): void {
    this.mark(page, bit);
    this.lists?.touch(page);
    this.holders.set(page, (this.holders.get(page) ?? 0) + 1);
  }

  /** Ends a CPU hold; the caller announces once after a batch. */
  unhold(page: number): void {
    const left = this.holders.get(page)! - 1;
    if (left > 0) {
      this.holders.set(page, left);
      return;
    }
    this.holders.delete(page);
    this.unmark(page, PAGE_HELD);
    if (this.any(page, PAGE_DEAD)) this.reap(page);
  }

  /** Notes that device `bit` holds a copy. */
  setDevice(page: number, bit: number): void {
    if (this.lists !== undefined) {
      if (this.devicesOf(page) === 0) this.lists.toDevice(page);
      else this.lists.touch(page);
    }
    this.mark(page, 1 << (DEVICES_SHIFT + bit));
  }

  /** Notes that device `bit` holds no copy any more; frees the page if that was the last thing a dead page waited for. */
  clearDevice(page: number, bit: number): void {
    const before = this.devicesOf(page);
    this.unmark(page, 1 << (DEVICES_SHIFT + bit));
    if (this.lists !== undefined && before === 1 << bit) this.lists.offDevice(page);
    if (this.any(page, PAGE_DEAD)) this.reap(page);
  }

  /** The devices that hold a page. */
  devicesWith(page: number): DevicePages[] {
    const mask = this.devicesOf(page);
    return this.pools.filter((pages, bit): pages is DevicePages => pages !== undefined && ((mask >>> bit) & 1) === 1);
  }

  /** All devices that can hold pages. */
  allDevices(): DevicePages[] {
    return this.pools.filter((pages) => pages !== undefined);
  }

  /** Whether other devices are attached than that of a bit. */
  hasDevicesBut(bit: number): boolean {
    return this.pools.some((pages, other) => pages !== undefined && other !== bit);
  }

  /** Pages that devices use, counted one by one: where lists are kept, they know. */
  countInUse(): number {
    let found = 0;
    for (let page = 0; 2 * page < this.records.length; page++) found += Number(this.devicesOf(page) !== 0);
    return found;
  }

  /** Puts a page that was taken from the list of ordinary pages back, if it is still one. */
  relist(page: number): void {
    if (this.any(page, PAGE_USED) && !this.any(page, PAGE_DEAD) && this.devicesOf(page) === 0) this.lists!.toHost(page);
  }

  private enlist(first: number, count: number): void {
    for (let page = first; page < first + count; page++) this.lists!.toHost(page);
    this.pressure!.kick();
  }

  private blockOnDevices(page: number, blocked: boolean): void {
    for (let bit = 0, left = this.devicesOf(page); left !== 0; bit++, left >>= 1) {
      if ((left & 1) === 1) this.pools[bit]?.block(page, blocked);
    }
  }

  private die(page: number): void {
    this.mark(page, PAGE_DEAD);
    for (let bit = 0, left = this.devicesOf(page); left !== 0; bit++, left >>= 1) {
      if ((left & 1) === 1) this.pools[bit]?.discard(page);
    }
    this.reap(page);
  }

  private reap(page: number): void {
    if (this.any(page, PAGE_LOCKED | PAGE_HELD) || this.devicesOf(page) !== 0) return;
    this.records[2 * page + 1] = 0;
    this.lists?.leave(page);
    this.host.free(page);
  }
}
