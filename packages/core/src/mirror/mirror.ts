import { checkByteLength, rangeOf } from '../address/index.js';
import {
  type AccessCommand,
  type CommandQueue,
  type Device,
  type Fence,
  type JsProgram,
  MirrorError,
  type Program,
} from '../driver/index.js';
import { whenSettled } from '../kit/index.js';
import type { IntervalNotifier } from '../notifier/index.js';
import {
  HOST_MIGRATION,
  throwIfAborted,
  checkRangeOptions,
  type RangeOptions,
  type SpaceMirror,
  type SpaceState,
} from '../space/index.js';
import { checkLaunch, type LaunchOptions } from './launch.js';
import { bringAllHome } from './detach.js';
import type { DevicePool } from './device-pool.js';
import type { MirrorLostInfo } from './loss-record.js';
import type { MirrorState } from './mirror-state.js';
import type { PrefetchOptions } from './options.js';
import { type HarvestOptions, type HarvestResult, harvestRange } from './harvest.js';
import { markAccessedRange } from './mark-accessed.js';
import { bringNow, bringRange, sendHome, setPinned } from './range-work.js';
import { reportInvalidate, reportMigration } from './reports.js';
import { RESIDENT_WRITABLE, viewResidency } from './residency-view.js';
import type { MirrorStats } from './stats.js';

/** One space on one device: the device uses the space's addresses, and pages move as they are needed. */
export class Mirror implements SpaceMirror {
  /** The device. */
  readonly device: Device;
  private readonly pool: DevicePool;
  private readonly state: MirrorState;
  private readonly space: SpaceState;
  private readonly notifier: IntervalNotifier;
  private detaching: Promise<void> | undefined;

  /** Made by `space.attach`. @internal */
  constructor(device: Device, pool: DevicePool, state: MirrorState) {
    this.device = device;
    this.pool = pool;
    this.state = state;
    this.space = state.space;
    this.notifier = this.space.notifiers.insert({
      start: 0,
      end: this.space.limit,
      owner: this,
      invalidate: (event) => {
        // Written pages change nothing on a device; what a mirror moves it calls home from the others itself.
        if (event.kind === 'soft-dirty' || event.owner instanceof Mirror) return;
        // Entries map device frames, and those stay.
        if (event.owner === HOST_MIGRATION) return;
        const before = state.dirty.length;
        state.markDirty(event.start, event.end);
        if (this.space.trace.active) reportInvalidate(pool.state, state, event.kind, state.dirty.length - before);
      },
    });
    state.handle = this;
  }

  /** What happened since it was attached. Live; copy it to keep it. */
  get stats(): Readonly<MirrorStats> {
    return this.state.stats;
  }

  /** Resolves, never rejects, when the device is gone, with what existed only there (R10). */
  get lost(): Promise<MirrorLostInfo> {
    return this.state.loss.lost;
  }

  /** Bytes of metadata for the device's frames, shared by all mirrors on it. */
  get metadataBytes(): number {
    return this.pool.frames.bytes + this.state.residency.bytes;
  }

  /**
   * Runs a program over a grid of work units, each exactly once. Synchronous: what the CPU wrote before is seen by it.
   * @throws TypeError, RangeError; MirrorError `UNSUPPORTED`, `CLOSED`
   */
  launch(program: Program | JsProgram, options: LaunchOptions = {}): Fence {
    this.checkOpen();
    const { args, grid, queue, after, reads, writes, exact } = checkLaunch(this.device, program, options);
    for (const range of [...reads, ...writes]) this.space.pageRange(range[0], range[1]);
    for (const [start, bytes] of reads) this.bringAhead(start, bytes, false);
    for (const [start, bytes] of writes) this.bringAhead(start, bytes, true);
    const only = exact ? { only: { reads, writes } } : undefined;
    const command = { kind: 'launch', mmu: this.state.mmu.id, program, grid, args, ...only } as const;
    const fence = this.submit(command, queue, after);
    const units = grid[0] * grid[1] * grid[2];
    this.pool.state.queues.launched(fence.queue);
    this.pool.state.urgency.launch(units, fence);
    if (this.space.trace.active) this.traceLaunch(fence, units);
    return fence;
  }

  /** Reads bytes through the device. Rejects with the error of the access; no data comes with an error. */
  async read(address: number, bytes: number): Promise<Uint8Array> {
    this.checkOpen();
    rangeOf(address, bytes);
    const into = new Uint8Array(bytes);
    await this.access({ kind: 'read', mmu: this.state.mmu.id, address, into });
    return into;
  }

  /** Writes bytes through the device. */
  async write(address: number, from: Uint8Array): Promise<void> {
    this.checkOpen();
    if (!(from instanceof Uint8Array)) throw new TypeError('write takes a Uint8Array');
    rangeOf(address, from.byteLength);
    await this.access({ kind: 'write', mmu: this.state.mmu.id, address, from: from.slice() });
  }

  /** Sets bytes to `value` (0 to 255) through the device. */
  async fill(address: number, bytes: number, value: number): Promise<void> {
    this.checkOpen();
    rangeOf(address, bytes);
    checkValue(value, 0, 255);
    await this.access({ kind: 'fill', mmu: this.state.mmu.id, address, bytes, value });
  }

  /** Adds to the aligned 32-bit word at an address modulo 2^32 through the device; resolves to the previous value. */
  async atomicAdd(address: number, value: number): Promise<number> {
    this.checkOpen();
    rangeOf(address, 4);
    if (address % 4 !== 0) throw new RangeError(`address must be a multiple of 4, got ${address}`);
    checkValue(value, -(2 ** 31), 2 ** 32 - 1);
    const previous = new Uint32Array(1);
    await this.access({ kind: 'atomicAdd', mmu: this.state.mmu.id, address, value, previous });
    return previous[0]!;
  }

  /** Brings pages of a range to the device ahead of faults, as far as there is room. Resolves to pages brought. */
  async prefetch(start: number, bytes: number, options: PrefetchOptions = {}): Promise<number> {
    this.checkOpen();
    const range = this.mappedRange(start, bytes);
    checkRangeOptions(options);
    const { access = 'read' } = options;
    if (access !== 'read' && access !== 'write')
      throw new TypeError(`access must be 'read' or 'write', got ${String(access)}`);
    return bringRange(this.pool, this.state, range.start, range.end, access === 'write', options);
  }

  /** Moves pages of a range to the device (which then owns them) or to the host, best effort. Resolves to pages moved. */
  async migrate(start: number, bytes: number, to: 'device' | 'host', options: RangeOptions = {}): Promise<number> {
    if (to !== 'device' && to !== 'host') throw new TypeError(`to must be 'device' or 'host', got ${String(to)}`);
    checkRangeOptions(options);
    this.checkOpen();
    throwIfAborted(options.signal);
    const range = this.mappedRange(start, bytes);
    this.announceMove('migrate', range);
    if (to === 'device') {
      const begun = this.device.now();
      const brought = await this.prefetch(start, bytes, { ...options, access: 'write' });
      reportMigration(this.pool.state, this.state, brought, true, begun);
      return brought;
    }
    const since = this.device.now();
    const moved = await sendHome(this.state, range.start, range.end);
    reportMigration(this.pool.state, this.state, moved, false, since);
    return moved;
  }

  /** Makes the device the one owner of a range's pages, until the CPU or another device touches them. Resolves to pages it owns. */
  async exclusive(start: number, bytes: number): Promise<number> {
    this.checkOpen();
    this.announceMove('exclusive', this.mappedRange(start, bytes));
    await this.prefetch(start, bytes, { access: 'write' });
    return this.residency(start, bytes).filter((bits) => (bits & RESIDENT_WRITABLE) !== 0).length;
  }

  /** Where the pages of a range are: a byte of `RESIDENT_*` bits a page; 0 for a page nobody has touched. */
  residency(start: number, bytes: number): Uint8Array {
    this.space.checkOpen();
    this.checkAttached();
    const range = this.space.pageRange(start, bytes);
    return viewResidency(this.state, range.start, range.end);
  }

  /**
   * Reads and clears the device's accessed and dirty bits of a range; the eviction policy and the pages' flags learn of them.
   * With `writeBack`, what is dirty of shared file regions then reaches the sources.
   * @throws TypeError, RangeError; MirrorError `ADDRESS_NOT_MAPPED`, `DEVICE_LOST`, `DEVICE_TIMEOUT`, `IO`, `CLOSED`
   */
  async harvest(start: number, bytes: number, options: HarvestOptions = {}): Promise<HarvestResult> {
    this.checkOpen();
    const range = this.mappedRange(start, bytes);
    return harvestRange(this.pool.state, this.state, range.start, range.end, options);
  }

  /**
   * Says that pages of a range are in use: they count as accessed just now, for the device's eviction and for reclaim of host
   * memory, so that others leave first. For drivers and users that know what accessed bits do not tell. Synchronous, no command is
   * sent. Returns how many of the pages the device holds. Source: the helper to mark pages accessed of the 2014 RFC.
   * @throws TypeError, RangeError; MirrorError `ADDRESS_NOT_MAPPED`, `DEVICE_LOST`, `CLOSED`
   */
  markAccessed(start: number, bytes: number): number {
    this.checkOpen();
    const range = this.mappedRange(start, bytes);
    return markAccessedRange(this.pool.state, this.state, range.start, range.end);
  }

  /** Carries pending invalidations to the device; resolves when they are true there. */
  flush(): Promise<void> {
    return this.pool.flush();
  }

  /** As `flush`, but does not wait in a user queue that the policy chose; for the service of faults. */
  async flushNow(): Promise<void> {
    await this.pool.flushNow();
  }

  /** Brings a page range ahead of faults, best effort; for advice. */
  async bring(start: number, end: number): Promise<void> {
    if (!this.state.detached) await bringRange(this.pool, this.state, start, end, false);
  }

  /** Keeps the pages of a page range on the device; for advice. @throws MirrorError `OUT_OF_DEVICE_MEMORY` when they do not all fit */
  async pin(start: number, end: number): Promise<void> {
    const pages = this.space.pageOf(end - start);
    if (pages <= this.pool.frames.capacity) {
      await bringRange(this.pool, this.state, start, end, false, {}, pages);
      if (setPinned(this.pool, this.state, start, end, true) === pages) return;
      setPinned(this.pool, this.state, start, end, false);
    }
    throw new MirrorError(
      'OUT_OF_DEVICE_MEMORY',
      `${pages} pages cannot be pinned: ${this.device.info.name} has ${this.pool.frames.capacity} frames; pin less, or unpin others`,
      {
        device: this.device.info.name,
        address: start,
      },
    );
  }

  /** Lets pinned pages go again; for advice. */
  unpin(start: number, end: number): void {
    setPinned(this.pool, this.state, start, end, false);
  }

  /**
   * Ends the mirror: accesses that wait for pages fail with `CLOSED`, what the device owns comes home. The device stays open.
   * Concurrent calls share one detaching.
   */
  detach(): Promise<void> {
    return (this.detaching ??= this.end());
  }

  /** As {@link detach}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.detach();
  }

  private async end(): Promise<void> {
    const { state, pool, space } = this;
    state.detached = true;
    space.mirrors.delete(this);
    this.pool.kick();
    try {
      if (pool.state.lostError === undefined) await bringAllHome(pool, state);
    } finally {
      this.notifier.remove();
      await pool.remove(state);
      await state.mmu.close();
      pool.release(state);
    }
  }

  /** Tells the space's notifiers, as the kernel does, that contents are about to move on behalf of this mirror. */
  private announceMove(kind: 'migrate' | 'exclusive', range: { start: number; end: number }): void {
    this.space.notifiers.begin(kind, range.start, range.end, this);
    this.space.notifiers.end();
  }

  /** Reports a launch when it has ended. */
  private traceLaunch(fence: Fence, units: number): void {
    const { device, space } = this;
    const time = device.now();
    whenSettled(fence, () => {
      const duration = device.now() - time;
      space.trace.emit({
        type: 'launch',
        time,
        duration,
        device: device.info.name,
        space: space.id,
        queue: fence.queue,
        units,
      });
    });
  }

  private access(command: AccessCommand): Promise<void> {
    return this.submit(command, undefined, []).wait({ timeoutMs: this.pool.state.timeoutMs });
  }

  private submit(command: AccessCommand, queue: number | undefined, after: readonly Fence[]): Fence {
    const barrier = this.pool.barrier();
    const before = barrier === undefined ? after : [...after, barrier];
    return this.userQueue(queue).submit([command], before.length === 0 ? undefined : { after: before });
  }

  private userQueue(id: number | undefined): CommandQueue {
    const queue = this.device.queues.find(
      (candidate) => !candidate.paging && (id === undefined || candidate.id === id),
    );
    if (queue !== undefined) return queue;
    throw new RangeError(`${this.device.info.name} has no user queue ${String(id)}`);
  }

  private bringAhead(start: number, bytes: number, write: boolean): void {
    const range = this.space.pageRange(start, bytes);
    bringNow(this.pool, this.state, range.start, range.end, write);
    // The rest may have to come from files or other devices first; what is not there in time faults in.
    bringRange(this.pool, this.state, range.start, range.end, write).catch(() => undefined);
  }

  private mappedRange(start: number, bytes: number): { start: number; end: number } {
    checkByteLength(bytes);
    const range = this.space.pageRange(start, bytes);
    this.space.checkMapped(range.start, range.end);
    return range;
  }

  private checkOpen(): void {
    this.space.checkOpen();
    this.checkAttached();
    this.pool.state.checkNotLost();
  }

  private checkAttached(): void {
    if (this.state.detached)
      throw new MirrorError('CLOSED', `the mirror on ${this.device.info.name} was detached; attach the device again`);
  }
}

function checkValue(value: number, least: number, most: number): void {
  if (typeof value !== 'number') throw new TypeError(`value must be a number, got ${typeof value}`);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`value must be an integer from ${least} to ${most}, got ${value}`);
}
