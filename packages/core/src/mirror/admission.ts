import {
  CANCEL_CLOSED,
  CANCEL_DENIED,
  CANCEL_IO,
  CANCEL_LOST,
  CANCEL_NOT_MAPPED,
  FAULT_READ,
  FAULT_WRITE,
} from '../driver/index.js';
import {
  allows,
  BEHIND_END,
  CHANGED,
  copyHome,
  bringBack,
  isOutOfMemory,
  KeptPages,
  NEEDS_HOME,
  NEEDS_SOURCE,
  NEEDS_SWAP,
  NEEDS_UNLOCK,
  PAGE_HELD,
  PAGE_HELD_WRITE,
  PAGE_LOCKED,
  PAGE_LOST,
  PAGE_OWNED,
  type PageStore,
  recallPages,
  type Region,
  resolve,
} from '../space/index.js';
import { cancelReason } from './cancel-reason.js';
import type { FaultList } from './fault-list.js';
import type { MirrorState } from './mirror-state.js';
import { wantsOwnership } from './placement.js';
import { reportCancel } from './reports.js';
import type { PoolState } from './pool-state.js';
import { SourceReads } from './source-reads.js';

/**
 * Decides about pages one by one, synchronously: what can be served now is locked and goes on the mirror's list of wanted
 * pages; what needs a file, another device or the CPU first is deferred, and the work that it waits for is begun.
 */
export class Admission {
  private readonly pool: PoolState;
  /** Locked pages that background work of this pool got ready: only this pool's next round may have them. */
  private readonly granted = new Map<number, MirrorState>();
  /** Where such locks ended in this round. */
  private readonly unlocked = new Set<PageStore>();
  /** Background work under way. */
  private working = 0;
  /** Whether notifiers were called since wanted pages were last looked at again. */
  private told = false;
  private readonly reads: SourceReads;

  constructor(pool: PoolState) {
    this.pool = pool;
    const { granted } = this;
    this.reads = new SourceReads(pool, {
      grant: (page, mirror) => this.grant(page, mirror),
      get waiting() {
        return granted.size;
      },
    });
  }

  /** Whether background work is under way. */
  get busy(): boolean {
    return this.working > 0 || this.reads.busy;
  }

  /** Begins the reads of sources that faults of this round wait for. */
  beginReads(): void {
    this.reads.begin();
  }

  /** Decides about faults, but for those on pages in `except`: wanted, deferred or cancelled. */
  faults(mirror: MirrorState, list: FaultList, except: ReadonlySet<number> | undefined): void {
    const { space } = mirror;
    const { store, notifiers, regions, base, pageSize } = space;
    const { pages, write, contents, length } = list;
    store.lookupAll(base, pages, length, contents);
    const idle = store.areIdle(contents, length);
    const { sequence } = notifiers;
    let region: Region | undefined;
    for (let i = 0; i < length; i++) {
      const pageNumber = pages[i]!;
      if (except !== undefined && except.has(pageNumber)) continue;
      const address = pageNumber * pageSize;
      if (region === undefined || region.closed || address < region.start || address >= region.end)
        region = regions.at(address);
      if (mirror.detached) this.cancel(mirror, pageNumber, CANCEL_CLOSED);
      else if (region === undefined) this.cancel(mirror, pageNumber, space.closed ? CANCEL_CLOSED : CANCEL_NOT_MAPPED);
      else if (!allows(region.access, write[i] === 1)) this.deny(mirror, region, pageNumber, write[i] === 1);
      else if (notifiers.sequence !== sequence) {
        // Admitting a page before this one called notifiers, which can do anything.
        this.admit(mirror, region, pageNumber, store.lookup(base + pageNumber), write[i] === 1);
      } else {
        const owns = write[i] === 1 || (idle && wantsOwnership(mirror, region, contents[i]!));
        if (owns || !idle) this.admit(mirror, region, pageNumber, contents[i]!, owns);
        else want(mirror, pageNumber, contents[i]!, false);
      }
    }
    this.told ||= notifiers.sequence !== sequence;
  }

  /** Notifiers, which can do anything, may have been called after a page was wanted: where it is another one or not allowed by now, its fault is tried again. */
  recheck(): void {
    if (!this.told) return;
    this.told = false;
    const stores = new Set<PageStore>();
    for (const mirror of this.pool.mirrors) {
      const { wanted, space } = mirror;
      for (let i = wanted.length - 1; i >= 0; i--) {
        const page = wanted.hosts[i]!;
        const write = wanted.codes[i] === FAULT_WRITE;
        const region = space.regions.at(wanted.pages[i]! * space.pageSize);
        const same = space.store.lookup(space.base + wanted.pages[i]!) === page;
        if (same && region !== undefined && allows(region.access, write)) continue;
        space.store.unlock(page);
        this.defer(mirror, wanted.pages[i]!, write);
        wanted.remove(i);
        mirror.wantedFaults--;
        stores.add(space.store);
      }
    }
    for (const store of stores) store.announce();
  }

  /** Decides about a page nobody faulted on: wanted if nothing has to be waited for. `present` is what it maps. Returns whether it is. */
  offer(
    mirror: MirrorState,
    region: Region,
    pageNumber: number,
    write: boolean,
    present = mirror.space.store.lookup(mirror.space.base + pageNumber),
  ): boolean {
    const { space } = mirror;
    const { store } = space;
    if (!allows(region.access, write)) return false;
    // A page that is brought ahead is no store: a private page of a file, or of a fork, is copied when somebody writes it.
    const copies = write && !region.shared && (present >= 0 ? store.isShared(present) : region.object !== undefined);
    let page: number;
    try {
      page = resolve(space, region, pageNumber, write && !copies, present);
      if (page >= 0 && write) store.host.commit(page, 1);
    } catch {
      // Out of host memory: whoever really needs the page is told so by its fault.
      return false;
    }
    if (page < 0) return false;
    const state = store.stateOf(page);
    if ((state & (PAGE_LOCKED | PAGE_LOST)) !== 0 || (state & (write ? PAGE_HELD : PAGE_HELD_WRITE)) !== 0)
      return false;
    const mine = 1 << mirror.residency.bit;
    const devices = store.devicesOf(page);
    if ((devices & mine) !== 0 && (!write || (state & PAGE_OWNED) !== 0)) return false;
    if (((state & PAGE_OWNED) !== 0 || write) && (devices & ~mine) !== 0) return false;
    store.lock(page);
    mirror.wanted.push(pageNumber, 0, page, write && !copies ? FAULT_WRITE : FAULT_READ);
    return true;
  }

  /** Fails the accesses that wait for a page. */
  cancel(mirror: MirrorState, pageNumber: number, reason: number): void {
    this.pool.batchOf(mirror).cancels.push(pageNumber, 0, 0, reason);
    mirror.stats.cancelledFaults++;
    reportCancel(this.pool, mirror, pageNumber, reason);
  }

  /**
   * Unlocks what background work got ready. Nobody else runs before the round has decided, so whatever a fault needs of it, the page itself, an
   * entry for it or a copy, is there still.
   */
  unlockGranted(): void {
    for (const [page, { space }] of this.granted) {
      space.store.unlock(page);
      this.unlocked.add(space.store);
    }
    this.granted.clear();
  }

  /** Tells others of these locks, once what faults wanted is locked again. */
  announceUnlocked(): void {
    for (const store of this.unlocked) store.announce();
    this.unlocked.clear();
  }

  /**
   * Refuses an access. A cancel fails all that is stalled on the page, and loads must not fail for a store, which may even be a late
   * fault of a launch that has ended: they are let go on first, by an entry for reading. The store then faults again.
   */
  private deny(mirror: MirrorState, region: Region, pageNumber: number, write: boolean): void {
    const { space } = mirror;
    const page = space.store.lookup(space.base + pageNumber);
    // Behind the end of a source loads fail, too.
    const index = region.objectPage + pageNumber - space.pageOf(region.start);
    const isThere = page !== -1 || region.object === undefined || region.object.reaches(index);
    const stops = this.pool.device.features.has('read-only-maps');
    if (write && stops && isThere && allows(region.access, false) && !this.isReadable(mirror, page))
      this.admit(mirror, region, pageNumber, page, false);
    else this.cancel(mirror, pageNumber, CANCEL_DENIED);
  }

  /** Whether loads of a page need not stall; of one with several entries, which of them the device has is not known. */
  private isReadable(mirror: MirrorState, page: number): boolean {
    const frame = page < 0 ? -1 : mirror.residency.frame(page);
    return frame >= 0 && (this.pool.frames.isInstalled(frame) || mirror.space.store.mapCount(page) > 1);
  }

  /** `before` is what the page maps, or -1. */
  private admit(mirror: MirrorState, region: Region, pageNumber: number, before: number, faultWrites: boolean): void {
    const { space } = mirror;
    const { store } = space;
    const write = faultWrites || wantsOwnership(mirror, region, before);
    let page: number;
    try {
      page = resolve(space, region, pageNumber, write, before);
      // What the device will write must have a place to come home to.
      if (page >= 0 && write) store.host.commit(page, 1);
    } catch (error) {
      if (isOutOfMemory(error) && store.pressure !== undefined) this.relieve(mirror, pageNumber, write, error);
      else this.cancel(mirror, pageNumber, cancelReason(error));
      return;
    }
    if (page < 0) {
      this.getReady(mirror, region, pageNumber, page, write);
      return;
    }
    const state = store.stateOf(page);
    if ((state & PAGE_LOCKED) !== 0) this.defer(mirror, pageNumber, write);
    else if ((state & PAGE_LOST) !== 0) this.cancel(mirror, pageNumber, CANCEL_LOST);
    else if ((state & (write ? PAGE_HELD : PAGE_HELD_WRITE)) !== 0) this.defer(mirror, pageNumber, write);
    else if (before >= 0 && before !== page && space.mirrors.size > 1)
      this.flushOthers(mirror, pageNumber, page, write);
    else if (this.isElsewhere(mirror, page, write)) this.fetch(mirror, pageNumber, page, write);
    else want(mirror, pageNumber, page, write);
  }

  private isElsewhere(mirror: MirrorState, page: number, write: boolean): boolean {
    const { store } = mirror.space;
    const others = store.devicesOf(page) & ~(1 << mirror.residency.bit);
    return others !== 0 && (write || store.any(page, PAGE_OWNED));
  }

  private defer(mirror: MirrorState, pageNumber: number, write: boolean): void {
    mirror.deferred.push(pageNumber, 0, 0, write ? FAULT_WRITE : FAULT_READ);
    mirror.stats.deferredFaults++;
  }

  private getReady(mirror: MirrorState, region: Region, pageNumber: number, need: number, write: boolean): void {
    const { space } = mirror;
    if (need === BEHIND_END) {
      this.cancel(mirror, pageNumber, CANCEL_IO);
      return;
    }
    this.defer(mirror, pageNumber, write);
    if (need === CHANGED) space.store.announce();
    if (need === CHANGED || need === NEEDS_UNLOCK || mirror.preparing.has(pageNumber)) return;
    mirror.preparing.add(pageNumber);
    if (need === NEEDS_HOME) {
      void this.work(mirror, pageNumber, () => this.copyHome(mirror, pageNumber));
    } else if (need === NEEDS_SWAP) {
      void this.work(mirror, pageNumber, () => this.bringBack(mirror, pageNumber));
    } else if (need === NEEDS_SOURCE) {
      this.reads.want(mirror, region, pageNumber);
    }
  }

  /** Host memory is used up: the fault waits until a page was reclaimed, and fails if none can be. */
  private relieve(mirror: MirrorState, pageNumber: number, write: boolean, refusal: unknown): void {
    this.defer(mirror, pageNumber, write);
    if (mirror.preparing.has(pageNumber)) return;
    mirror.preparing.add(pageNumber);
    void this.work(mirror, pageNumber, () => mirror.space.store.pressure!.relieve(refusal));
  }

  /** Brings a page back from the swap store; the lock goes to this pool's next round. */
  private async bringBack(mirror: MirrorState, pageNumber: number): Promise<void> {
    const { space } = mirror;
    using kept = new KeptPages(space.store);
    kept.begin();
    await bringBack(space, pageNumber, pageNumber + 1, { timeoutMs: this.pool.timeoutMs }, kept);
    for (const page of kept.take()) this.grant(page, mirror);
  }

  /** Makes a private copy of what a device owns. Others must stop using the old page there before this pool's next round, which gets the lock. */
  private async copyHome(mirror: MirrorState, pageNumber: number): Promise<void> {
    const { space } = mirror;
    const copy = await copyHome(space, pageNumber);
    if (copy < 0) return;
    try {
      if (space.mirrors.size > 1) await space.flushNow();
      this.grant(copy, mirror);
    } catch (error) {
      space.store.unlock(copy);
      throw error;
    }
  }

  /** Takes a page from other devices; the lock goes to this pool's next round. */
  private fetch(mirror: MirrorState, pageNumber: number, page: number, write: boolean): void {
    const { store } = mirror.space;
    const mine = 1 << mirror.residency.bit;
    store.lock(page);
    this.defer(mirror, pageNumber, write);
    void this.work(
      mirror,
      pageNumber,
      () => recallPages(store, Uint32Array.of(page), 1, write ? 'revoke' : 'clean', mine),
      page,
    );
  }

  /** A private copy was made: other devices must stop using the old one at this address before this one may write. */
  private flushOthers(mirror: MirrorState, pageNumber: number, page: number, write: boolean): void {
    mirror.space.store.lock(page);
    this.defer(mirror, pageNumber, write);
    void this.work(mirror, pageNumber, () => mirror.space.flushNow(), page);
  }

  /** Leaves a lock to this pool's next round; a lost device has none, and a mirror that leaves may have none. */
  private grant(page: number, mirror: MirrorState): void {
    if (this.pool.lostError === undefined && !mirror.detached) this.granted.set(page, mirror);
    else mirror.space.store.unlock(page);
  }

  private async work(
    mirror: MirrorState,
    pageNumber: number,
    run: () => Promise<void>,
    locked?: number,
  ): Promise<void> {
    const { store } = mirror.space;
    this.working++;
    try {
      await run();
      if (locked !== undefined) this.grant(locked, mirror);
    } catch (error) {
      if (locked !== undefined) store.unlock(locked);
      // A fault that is gone by now, because it was refused for another reason, must not be answered by the next one on its page.
      if (mirror.deferred.has(pageNumber)) mirror.refused.push(pageNumber, 0, 0, cancelReason(error));
    } finally {
      this.working--;
      mirror.preparing.delete(pageNumber);
      store.announce();
    }
  }
}

/** Puts a page, which nothing stands in the way of, on the list of those to serve. */
function want(mirror: MirrorState, pageNumber: number, page: number, write: boolean): void {
  mirror.space.store.lock(page);
  mirror.wanted.push(pageNumber, 0, page, write ? FAULT_WRITE : FAULT_READ);
}
