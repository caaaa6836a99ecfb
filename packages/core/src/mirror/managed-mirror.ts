import { checkByteLength, rangeOf } from '../address/index.js';
import {
  type AccessCommand,
  type CommandQueue,
  type Device,
  type Fence,
  type JsProgram,
  type LaunchCommand,
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
  type SpaceState,
} from '../space/index.js';
import { checkLaunch, type LaunchOptions } from './launch.js';
import { checkValue } from './check-value.js';
import { bringAllHome } from './detach.js';
import type { DevicePool } from './device-pool.js';
import type { MirrorLostInfo } from './loss-record.js';
import type { MirrorState } from './mirror-state.js';
import type { AttachOptions, PrefetchOptions } from './options.js';
import { type HarvestOptions, type HarvestResult, harvestRange } from './harvest.js';
import { markAccessedRange } from './mark-accessed.js';
import { Mirror } from './mirror.js';
import { pinRange, setPinned } from './pin-range.js';
import { PageRecorder, type PageRecordingOptions } from './page-recorder.js';
import type { PageRecording } from './page-recording.js';
import { bringNow, bringRange, sendHome } from './range-work.js';
import { reportInvalidate, reportMigration } from './reports.js';
import { RESIDENT_WRITABLE, viewResidency } from './residency-view.js';
import type { MirrorStats } from './stats.js';

/** A mirror on a device whose page table core fills: pages move to and fro as faults, hints and the CPU want them. */
export class ManagedMirror extends Mirror {
  readonly device: Device;
  readonly options: AttachOptions;
  private readonly pool: DevicePool;
  private readonly state: MirrorState;
  private readonly space: SpaceState;
  private readonly notifier: IntervalNotifier;
  private detaching: Promise<void> | undefined;

  /** Made by `space.attach`. @internal */
  constructor(device: Device, pool: DevicePool, state: MirrorState, options: AttachOptions) {
    super();
    this.device = device;
    this.options = options;
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
        pool.later.changed();
        if (this.space.trace.active) reportInvalidate(pool.state, state, event.kind, state.dirty.length - before);
      },
    });
    state.handle = this;
  }

  get stats(): Readonly<MirrorStats> {
    return this.state.stats;
  }

  get lost(): Promise<MirrorLostInfo> {
    return this.state.loss.lost;
  }

  get isLost(): boolean {
    return this.state.loss.begun;
  }

  get metadataBytes(): number {
    return this.pool.frames.bytes + this.state.residency.bytes;
  }

  launch(program: Program | JsProgram, options: LaunchOptions = {}): Fence {
    this.checkOpen();
    const { args, grid, queue, after, reads, writes, exact } = checkLaunch(this.device, program, options);
    for (const range of [...reads, ...writes]) this.space.pageRange(range[0], range[1]);
    this.space.store.hearStores();
    for (const [start, bytes] of reads) this.bringAhead(start, bytes, false);
    for (const [start, bytes] of writes) this.bringAhead(start, bytes, true);
    const only = exact ? { only: { reads, writes } } : undefined;
    const { recorder } = this.state;
    const runs = recorder === undefined ? program : recorder.wrap(program);
    const command = { kind: 'launch', mmu: this.state.mmu.id, program: runs, grid, args, ...only } as const;
    const fence = this.submit(command, queue, after);
    recorder?.launched(fence);
    const units = grid[0] * grid[1] * grid[2];
    this.pool.state.queues.launched(fence.queue);
    this.pool.state.urgency.launch(units, fence);
    if (this.space.trace.active) this.traceLaunch(fence, units);
    return fence;
  }

  async read(address: number, bytes: number): Promise<Uint8Array> {
    this.checkOpen();
    rangeOf(address, bytes);
    const into = new Uint8Array(bytes);
    await this.access({ kind: 'read', mmu: this.state.mmu.id, address, into }, bytes);
    return into;
  }

  async write(address: number, from: Uint8Array): Promise<void> {
    this.checkOpen();
    if (!(from instanceof Uint8Array)) throw new TypeError('write takes a Uint8Array');
    rangeOf(address, from.byteLength);
    await this.access({ kind: 'write', mmu: this.state.mmu.id, address, from: from.slice() }, from.byteLength);
  }

  async fill(address: number, bytes: number, value: number): Promise<void> {
    this.checkOpen();
    rangeOf(address, bytes);
    checkValue(value, 0, 255);
    await this.access({ kind: 'fill', mmu: this.state.mmu.id, address, bytes, value }, bytes);
  }

  async atomicAdd(address: number, value: number): Promise<number> {
    this.checkOpen();
    rangeOf(address, 4);
    if (address % 4 !== 0) throw new RangeError(`address must be a multiple of 4, got ${address}`);
    checkValue(value, -(2 ** 31), 2 ** 32 - 1);
    const previous = new Uint32Array(1);
    await this.access({ kind: 'atomicAdd', mmu: this.state.mmu.id, address, value, previous }, 4);
    return previous[0]!;
  }

  async prefetch(start: number, bytes: number, options: PrefetchOptions = {}): Promise<number> {
    this.checkOpen();
    const range = this.mappedRange(start, bytes);
    checkRangeOptions(options);
    const { access = 'read' } = options;
    if (access !== 'read' && access !== 'write')
      throw new TypeError(`access must be 'read' or 'write', got ${String(access)}`);
    const { store } = this.space;
    store.hearStores();
    const refreshed = store.live === undefined ? undefined : this.pool.flushNow();
    const brought = await bringRange(this.pool, this.state, range.start, range.end, access === 'write', options);
    if (refreshed !== undefined) await refreshed;
    return brought;
  }

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

  async exclusive(start: number, bytes: number): Promise<number> {
    this.checkOpen();
    this.announceMove('exclusive', this.mappedRange(start, bytes));
    await this.prefetch(start, bytes, { access: 'write' });
    return this.residency(start, bytes).filter((bits) => (bits & RESIDENT_WRITABLE) !== 0).length;
  }

  residency(start: number, bytes: number): Uint8Array {
    this.space.checkOpen();
    this.checkAttached();
    const range = this.space.pageRange(start, bytes);
    return viewResidency(this.state, range.start, range.end);
  }

  async harvest(start: number, bytes: number, options: HarvestOptions = {}): Promise<HarvestResult> {
    this.checkOpen();
    const range = this.mappedRange(start, bytes);
    return harvestRange(this.pool.state, this.state, range.start, range.end, options);
  }

  markAccessed(start: number, bytes: number): number {
    this.checkOpen();
    const range = this.mappedRange(start, bytes);
    return markAccessedRange(this.pool.state, this.state, range.start, range.end);
  }

  record(options: PageRecordingOptions = {}): PageRecording {
    this.checkOpen();
    const { state, space, device } = this;
    if (state.recorder !== undefined)
      throw new MirrorError('INVALID_ARGUMENT', `the mirror on ${device.info.name} is being recorded; stop that first`);
    const recorder = new PageRecorder(space, device, true, options);
    state.recorder = recorder;
    recorder.recording.onStop(() => (state.recorder = undefined));
    return recorder.recording;
  }

  flush(): Promise<void> {
    return this.pool.flush();
  }

  async flushNow(): Promise<void> {
    await this.pool.flushNow();
  }

  async bring(start: number, end: number): Promise<void> {
    if (!this.state.detached) await bringRange(this.pool, this.state, start, end, false);
  }

  async pin(start: number, end: number): Promise<void> {
    const pages = this.space.pageOf(end - start);
    if (pages <= this.pool.frames.capacity && (await pinRange(this.pool, this.state, start, end))) return;
    throw new MirrorError(
      'OUT_OF_DEVICE_MEMORY',
      `${pages} pages cannot be pinned: ${this.device.info.name} has ${this.pool.frames.capacity} frames; pin less, or unpin others`,
      {
        device: this.device.info.name,
        address: start,
      },
    );
  }

  async bringPinned(start: number, end: number): Promise<void> {
    await bringRange(this.pool, this.state, start, end, false);
    setPinned(this.pool, this.state, start, end, true);
  }

  unpin(start: number, end: number): void {
    setPinned(this.pool, this.state, start, end, false);
  }

  /** Core serves the device's faults, and obeys advice there. */
  async advised(): Promise<void> {}

  detach(): Promise<void> {
    return (this.detaching ??= this.end());
  }

  private async end(): Promise<void> {
    const { state, pool, space } = this;
    state.detached = true;
    state.recorder?.recording.stop();
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

  private access(command: Exclude<AccessCommand, LaunchCommand>, bytes: number): Promise<void> {
    this.space.store.hearStores();
    this.state.recorder?.access(command.address, bytes, command.kind !== 'read');
    return this.submit(command, undefined, []).wait({ timeoutMs: this.pool.state.timeoutMs });
  }

  private submit(command: AccessCommand, queue: number | undefined, after: readonly Fence[]): Fence {
    const barrier = this.pool.barrier();
    const before = barrier === undefined ? after : [...after, barrier];
    const fence = this.userQueue(queue).submit([command], before.length === 0 ? undefined : { after: before });
    whenSettled(fence, () => {
      if (fence.error !== undefined) this.pool.faults.failed(fence.queue);
    });
    return fence;
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

  checkAttachedTo(space: SpaceState): void {
    if (space !== this.space) throw new TypeError('the mirror is one of another space');
    this.checkAttached();
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
