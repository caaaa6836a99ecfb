import { MirrorError } from '../driver/index.js';
import { CacheHomes } from './cache-homes.js';
import type { DevicePages } from './device-pages.js';
import type { HostMemory } from './host-memory.js';
import { KeySpaces } from './key-space.js';
import { LIVE_BLOCK, type LiveRange } from './live-memory.js';
import { LivePages } from './live-pages.js';
import { PageEntries } from './page-entries.js';
import { DEVICES_SHIFT } from './page-records.js';
import {
  PAGE_CACHED,
  PAGE_DEAD,
  PAGE_HELD,
  PAGE_IN_SOURCE,
  PAGE_LIVE,
  PAGE_LOCKED,
  PAGE_LOST,
  PAGE_OWNED,
  PAGE_USED,
  PAGE_ZERO,
} from './page-state.js';
import type { Pressure } from './pressure.js';
import type { PageLists } from './reclaim/page-lists.js';
import { entryOfSlot, slotOf, type SwapTable } from './reclaim/swap-table.js';
import { Signal } from './signal.js';
import { TransferBuffers } from './transfer-buffers.js';
import { WrittenKeys } from './written-keys.js';

/** Devices that one host memory can have. */
export const MAX_DEVICES = 8;

/**
 * The pages of a host memory and where they are mapped: one table for all spaces on that memory, one record a page.
 * A page is content; its number is the number of its host frame. A key is a space's page number in the one table.
 */
export class PageStore extends PageEntries {
  readonly host: HostMemory;
  /** Pages that plain loads and stores reach; where the host memory has any. */
  readonly live: LivePages | undefined;
  /** Which keys are whose. */
  readonly spaces = new KeySpaces();
  private readonly pools: (DevicePages | undefined)[] = [];
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
  /** Whether no plain access may see a page: a device has it, it is lost, or there is no such page. */
  private readonly isWithheld = (page: number) => this.any(page, PAGE_OWNED | PAGE_LOST) || !this.any(page, PAGE_LIVE);

  constructor(host: HostMemory) {
    super();
    this.host = host;
    const { live } = host;
    this.live = live !== undefined && (live.stops || live.mirrored === true) ? new LivePages(live) : undefined;
  }

  /** Metadata in bytes: table, page records, host memory's own. */
  get bytes(): number {
    const lists = this.homes.bytes + this.written.bytes + (this.live?.bytes ?? 0);
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
    this.live?.settle(this.isWithheld);
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

  /** Makes page `index` of what plain accesses reach: they may have written it already. @throws MirrorError `OUT_OF_HOST_MEMORY` */
  createLive(range: LiveRange, index: number): number {
    const page = this.live!.take(range, index);
    this.prepare(page, 1);
    this.unmark(page, PAGE_ZERO);
    this.mark(page, PAGE_LIVE);
    if (this.lists !== undefined) this.enlist(page, 1);
    return page;
  }

  /** Makes the pages of frames that are a source's own. */
  adopt(frames: Uint32Array): Uint32Array {
    for (const frame of frames) {
      this.prepare(frame, 1);
      this.unmark(frame, PAGE_ZERO);
      this.mark(frame, PAGE_IN_SOURCE);
      if (this.lists !== undefined) this.enlist(frame, 1);
    }
    return frames;
  }

  /**
   * Parts pages from their sources, as far as they are in any, neighbours in one step: what becomes of the source is nothing to them any more.
   * @throws MirrorError `OUT_OF_HOST_MEMORY`; some are parted then, and known to be
   */
  part(pages: readonly number[]): void {
    for (let i = 0; i < pages.length;) {
      const first = pages[i]!;
      const most = LIVE_BLOCK - (first % LIVE_BLOCK);
      let count = 0;
      while (count < most && pages[i + count] === first + count && this.any(first + count, PAGE_IN_SOURCE)) count++;
      if (count > 0) this.host.sources!.part(first, count);
      for (let k = 0; k < count; k++) this.unmark(first + k, PAGE_IN_SOURCE);
      i += Math.max(1, count);
    }
  }

  /** Frees a page that was made and never mapped or cached. */
  withdraw(page: number): void {
    this.free(page);
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

  /**
   * Hears, synchronously, of plain stores, since this was last asked, to live pages that devices have copies of: those are made anew by what each
   * device is sent next.
   */
  hearStores(): void {
    this.live?.collectStores(this.noteStore);
  }

  /** Notes that plain stores wrote a page. What a device owns they do not reach: it was written before, and copied since. */
  readonly noteStore = (page: number): void => {
    this.host.tracker.note(page, 1);
    if (!this.any(page, PAGE_OWNED)) this.refreshCopies(page);
  };

  /** Takes note that a device that had a copy of a page has none any more. */
  copyGone(page: number): void {
    if (this.live !== undefined && this.any(page, PAGE_LIVE)) this.live.copies.remove(page);
  }

  /** Notes that a page is no device's own any more: plain accesses of a live one go on with the next announcement. */
  cameHome(page: number): void {
    if (this.any(page, PAGE_LIVE)) this.live!.cameHome(page);
  }

  /** The copies that devices have of a live page lack plain stores. */
  refreshCopies(page: number): void {
    if (!this.any(page, PAGE_LIVE)) return;
    for (const device of this.devicesWith(page)) device.refresh(page);
  }

  /** Makes a page zeros over whatever it holds. The host's own `zero` is for frames that nobody wrote to since they were allocated. */
  clear(page: number): void {
    const offset = this.host.offsetOf(page);
    this.host.bufferOf(page).fill(0, offset, offset + this.host.pageSize);
    // What plain stores make of it is not heard of at once.
    if (!this.any(page, PAGE_LIVE)) this.mark(page, PAGE_ZERO);
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
    if (this.live !== undefined && this.any(page, PAGE_LIVE)) this.live.copied(page, this.noteStore);
    this.mark(page, 1 << (DEVICES_SHIFT + bit));
  }

  /** Notes that device `bit` holds no copy any more; frees the page if that was the last thing a dead page waited for. */
  clearDevice(page: number, bit: number): void {
    const before = this.devicesOf(page);
    this.copyGone(page);
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
    // Who holds it sees it as it was, whatever becomes of the source.
    if (this.any(page, PAGE_HELD)) this.part([page]);
    for (let bit = 0, left = this.devicesOf(page); left !== 0; bit++, left >>= 1) {
      if ((left & 1) === 1) this.pools[bit]?.discard(page);
    }
    this.reap(page);
  }

  private reap(page: number): void {
    if (this.any(page, PAGE_LOCKED | PAGE_HELD) || this.devicesOf(page) !== 0) return;
    this.free(page);
  }

  private free(page: number): void {
    const isLive = this.any(page, PAGE_LIVE);
    this.records[2 * page + 1] = 0;
    this.lists?.leave(page);
    if (isLive) this.live!.free(page);
    else this.host.free(page);
  }
}
