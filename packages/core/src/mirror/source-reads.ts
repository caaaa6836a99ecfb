import { MirrorError } from '../driver/index.js';
import { isOutOfMemory, type MemoryObject, readPages, type Region } from '../space/index.js';
import { cancelReason } from './cancel-reason.js';
import type { MirrorState } from './mirror-state.js';
import type { PoolState } from './pool-state.js';
import { leastWindow, ReadWindows } from './read-windows.js';
import { reportPopulate } from './reports.js';

/** Reads under way at once. */
const MOST_READS = 8;
/** What lies between two faults and is read along rather than begin another read. */
const GAP_BYTES = 131_072;

/** What is done with pages that were read: they are locked, and belong to the pool's next round. */
export interface ReadLocks {
  /** Leaves a lock to the next round. */
  grant(page: number, mirror: MirrorState): void;
  /** Locks that wait for the next round. */
  readonly waiting: number;
}

/** A read for faults on neighbours. */
interface ReadRun {
  readonly mirror: MirrorState;
  readonly object: MemoryObject;
  /** First page of the source, and the one behind the last. */
  readonly index: number;
  end: number;
  /** Page numbers of the faults, by page of the source. */
  readonly faults: Map<number, number>;
}

/**
 * Reads pages of sources for the faults of a device. Faults of a round on neighbours share a read, with what lies ahead of them; some reads
 * are under way at once, the others wait their turn, and for room in host memory where it has a budget. A page that was read for a fault
 * stays locked until the next round, so that it is used before it can leave again (R8).
 */
export class SourceReads {
  private readonly pool: PoolState;
  private readonly locks: ReadLocks;
  private readonly windows = new ReadWindows();
  /** Collected since the last `begin`, and what waits its turn. */
  private readonly queue: ReadRun[] = [];
  private last: ReadRun | undefined;
  private underWay = 0;
  /** Those of them that have room. */
  private reading = 0;

  constructor(pool: PoolState, locks: ReadLocks) {
    this.pool = pool;
    this.locks = locks;
  }

  /** Whether any read is under way or waits. */
  get busy(): boolean {
    return this.underWay + this.queue.length > 0;
  }

  /** Wants the page at a page number of a region read. Faults of a round come in ascending order. Synchronous. */
  want(mirror: MirrorState, region: Region, pageNumber: number): void {
    const { space } = mirror;
    const object = region.object!;
    const ahead = region.objectPage - space.pageOf(region.start);
    const index = pageNumber + ahead;
    const limit = space.pageOf(region.end) + ahead;
    const most = readPages(space.store);
    let run = this.last;
    const gap = GAP_BYTES / space.pageSize;
    const joins = run?.mirror === mirror && run.object === object && run.index <= index && index <= run.end + gap;
    let window = leastWindow(space.pageSize);
    if (run === undefined || !joins || index - run.index >= most) {
      window = this.windows.of(object, index, space.pageSize, most);
      this.last = run = { mirror, object, index, end: index, faults: new Map() };
      this.queue.push(run);
    }
    run.end = Math.max(run.end, Math.min(limit, index + window, run.index + most));
    this.windows.read(object, run.end);
    run.faults.set(index, pageNumber);
  }

  /** Begins what was wanted since the last time, as far as it is its turn. */
  begin(): void {
    this.last = undefined;
    while (this.underWay < MOST_READS && this.queue.length > 0) {
      this.underWay++;
      void this.read(this.queue.shift()!);
    }
  }

  private async read(run: ReadRun): Promise<void> {
    const { mirror, faults } = run;
    const since = this.pool.device.now();
    try {
      await this.populate(run, run.index, run.end);
      reportPopulate(this.pool, mirror, run.faults.values().next().value!, run.end - run.index, since);
    } catch (error) {
      await this.readEach(run, error);
    }
    this.underWay--;
    for (const pageNumber of faults.values()) mirror.preparing.delete(pageNumber);
    mirror.space.store.announce();
    this.begin();
  }

  /** A read that failed because of its neighbours, or for want of room for all, must not fail a fault: each page by itself. */
  private async readEach(run: ReadRun, failure: unknown): Promise<void> {
    const { pressure } = run.mirror.space.store;
    const isLate = failure instanceof MirrorError && failure.code === 'DEVICE_TIMEOUT';
    for (const [index, pageNumber] of run.faults) {
      let error: unknown = failure;
      while (error !== undefined) {
        if (isLate || (run.end - run.index === 1 && !isOutOfMemory(error))) break;
        try {
          if (isOutOfMemory(error)) await pressure?.relieve(error);
          await this.populate(run, index, index + 1);
          error = undefined;
        } catch (again) {
          error = again;
          if (pressure === undefined || !isOutOfMemory(again)) break;
        }
      }
      if (error !== undefined) this.refuse(run, pageNumber, error);
    }
  }

  private async populate(run: ReadRun, from: number, to: number): Promise<void> {
    const { timeoutMs } = this.pool;
    await this.room(run, to - from);
    this.reading++;
    try {
      await run.object.populate(from, to - from, { timeoutMs }, (index, page) => this.keep(run, index, page));
    } finally {
      this.reading--;
    }
  }

  /** Waits until so many pages fit the budget, as long as something that is on its way can change that. */
  private async room({ mirror }: ReadRun, count: number): Promise<void> {
    const { store } = mirror.space;
    const { pressure } = store;
    while (pressure !== undefined && !pressure.fits(count)) {
      if (await pressure.makeRoom(count)) continue;
      // What was read leaves once it is on the device, and what is on its way there once it has arrived; of a flush that ends nobody is told otherwise.
      if (this.reading > 0 || this.locks.waiting > 0) {
        if (!(await store.changed.wait(this.pool.timeoutMs))) return;
      } else if (this.pool.busy) await this.pool.idle();
      else return;
    }
  }

  /** Leaves the lock of a page that a fault waits for to the next round. */
  private keep({ mirror, object, faults }: ReadRun, index: number, page: number): boolean {
    const pageNumber = faults.get(index);
    if (pageNumber === undefined || mirror.detached) return false;
    const { space } = mirror;
    const region = space.regions.at(pageNumber * space.pageSize);
    if (region?.object !== object || region.objectPage + pageNumber - space.pageOf(region.start) !== index)
      return false;
    if (space.store.lookup(space.base + pageNumber) !== -1) return false;
    this.locks.grant(page, mirror);
    return true;
  }

  private refuse({ mirror, object }: ReadRun, pageNumber: number, error: unknown): void {
    const { space, deferred, refused } = mirror;
    // What another source says is nothing to what is mapped there by now.
    if (space.regions.at(pageNumber * space.pageSize)?.object !== object) return;
    // A fault that is gone by now, because it was refused for another reason, must not be answered by the next one on its page.
    if (deferred.has(pageNumber)) refused.push(pageNumber, 0, 0, cancelReason(error));
  }
}
