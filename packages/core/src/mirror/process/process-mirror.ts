import { checkByteLength } from '../../address/index.js';
import {
  type Device,
  type DeviceMmu,
  type Fence,
  type JsProgram,
  MirrorError,
  type Program,
  SNAPSHOT_LOCAL,
} from '../../driver/index.js';
import {
  checkRangeOptions,
  type LiveRange,
  type RangeOptions,
  type SpaceState,
  throwIfAborted,
} from '../../space/index.js';
import type { HarvestResult } from '../harvest.js';
import { checkLaunch, type LaunchOptions } from '../launch.js';
import { LossRecord, type MirrorLostInfo } from '../loss-record.js';
import { Mirror } from '../mirror.js';
import type { AttachOptions, CheckedOptions, PrefetchOptions } from '../options.js';
import { PageRecorder, type PageRecordingOptions } from '../page-recorder.js';
import type { PageRecording } from '../page-recording.js';
import { createStats, type MirrorStats } from '../stats.js';
import { Accesses } from './accesses.js';
import { DeviceAdvice } from './advice.js';
import { Ahead } from './ahead.js';
import { livePieces, type Piece, piecesOf } from './pieces.js';
import type { ProcessPool } from './process-pool.js';
import { viewOccupancy } from './residency.js';

/**
 * A mirror on a device that follows the process's own page table. The system keeps both in step: what the CPU touches comes home by itself, what
 * is unmapped is gone from the device when it is gone. What is left to core is where pages should be, and who may access what.
 */
export class ProcessMirror extends Mirror {
  readonly stats: MirrorStats = createStats();
  private readonly loss = new LossRecord();
  private readonly ahead: Ahead;
  private readonly accesses: Accesses;
  private readonly advice: DeviceAdvice;
  private detaching: Promise<void> | undefined;
  private recorder: PageRecorder | undefined;

  /** Made by `space.attach`. @internal */
  constructor(
    readonly device: Device,
    private readonly pool: ProcessPool,
    private readonly space: SpaceState,
    readonly mmu: DeviceMmu,
    readonly options: AttachOptions,
    checked: CheckedOptions,
  ) {
    super();
    this.ahead = new Ahead(pool, this, this, checked.placement, checked.prefetch(space.pageSize));
    this.accesses = new Accesses(space, pool, mmu, this.ahead, {
      checkOpen: () => this.checkOpen(),
      accessed: (address, bytes, write) => this.recorder?.access(address, bytes, write),
    });
    this.advice = new DeviceAdvice(space, pool, mmu, this);
    space.store.live!.onClosed.add(this.closed);
    pool.add(this);
    void device.lost.then(({ reason, message }) => {
      // The system took everything home as the device went.
      const code = reason === 'closed' ? 'CLOSED' : 'DEVICE_LOST';
      pool.lostError ??= new MirrorError(code, message, { device: device.info.name });
      if (this.detaching === undefined) this.loss.begun = true;
      this.loss.settle(pool.lostError);
    });
  }

  get lost(): Promise<MirrorLostInfo> {
    return this.loss.lost;
  }

  get isLost(): boolean {
    return this.loss.begun;
  }

  get metadataBytes(): number {
    return this.pool.occupancy.bytes;
  }

  /** Tells the device what was advised before it came. @internal */
  begin(): Promise<void> {
    return this.advice.tellAll();
  }

  launch(program: Program | JsProgram, options: LaunchOptions = {}): Fence {
    this.checkOpen();
    checkLaunch(this.device, program, options);
    throw this.unsupported('programs');
  }

  read(address: number, bytes: number): Promise<Uint8Array> {
    return this.accesses.read(address, bytes);
  }

  write(address: number, from: Uint8Array): Promise<void> {
    return this.accesses.write(address, from);
  }

  fill(address: number, bytes: number, value: number): Promise<void> {
    return this.accesses.fill(address, bytes, value);
  }

  atomicAdd(address: number, value: number): Promise<number> {
    return this.accesses.atomicAdd(address, value);
  }

  async prefetch(start: number, bytes: number, options: PrefetchOptions = {}): Promise<number> {
    const pieces = this.pieces(start, bytes);
    checkRangeOptions(options);
    const { access = 'read' } = options;
    if (access !== 'read' && access !== 'write')
      throw new TypeError(`access must be 'read' or 'write', got ${String(access)}`);
    return this.bringAll(pieces, options);
  }

  async migrate(start: number, bytes: number, to: 'device' | 'host', options: RangeOptions = {}): Promise<number> {
    if (to !== 'device' && to !== 'host') throw new TypeError(`to must be 'device' or 'host', got ${String(to)}`);
    checkRangeOptions(options);
    const pieces = this.pieces(start, bytes);
    throwIfAborted(options.signal);
    this.announceMove('migrate', pieces);
    if (to === 'device') return this.bringAll(pieces, options);
    let moved = 0;
    for (const piece of pieces) {
      this.checkOpen();
      moved += await this.pool.sendHome(this, ...this.pageCount(piece));
    }
    return moved;
  }

  async exclusive(start: number, bytes: number): Promise<number> {
    const pieces = this.pieces(start, bytes);
    this.announceMove('exclusive', pieces);
    let all = 0;
    for (const { address, bytes: length } of pieces) {
      this.checkOpen();
      const taken = new Uint32Array(1);
      const range = { mmu: this.mmu.id, start: address, end: address + length };
      await this.pool.run({ kind: 'exclusive', ...range, taken }, true);
      all += taken[0]!;
    }
    return all;
  }

  residency(start: number, bytes: number): Uint8Array {
    this.space.checkOpen();
    this.checkAttached();
    const range = this.space.pageRange(start, bytes);
    return viewOccupancy(this.space, this.mmu, this.pool.occupancy, range.start, range.end);
  }

  async harvest(): Promise<HarvestResult> {
    this.checkOpen();
    throw this.unsupported('accessed and dirty bits');
  }

  markAccessed(start: number, bytes: number): number {
    let there = 0;
    for (const piece of this.pieces(start, bytes)) {
      const [from, to] = this.pagesOf(piece);
      for (let page = from; page < to; page++) if (this.pool.occupancy.touch(page)) there++;
    }
    return there;
  }

  /** Resolves when what the device was doing is done: with the CPU's page table it is in step at any time. */
  flush(): Promise<void> {
    return this.pool.idle();
  }

  flushNow(): Promise<void> {
    return this.pool.idle();
  }

  async bring(start: number, end: number): Promise<void> {
    if (this.detaching === undefined) await this.bringAll(piecesOf(this.space, start, end), {});
  }

  record(options: PageRecordingOptions = {}): PageRecording {
    this.checkOpen();
    const { name } = this.device.info;
    if (this.recorder !== undefined)
      throw new MirrorError('INVALID_ARGUMENT', `the mirror on ${name} is being recorded; stop that first`);
    const recorder = new PageRecorder(this.space, this.device, false, options);
    this.recorder = recorder;
    recorder.recording.onStop(() => (this.recorder = undefined));
    return recorder.recording;
  }

  async pin(start: number, end: number): Promise<void> {
    const pieces = piecesOf(this.space, start, end);
    const pages = this.space.pageOf(end - start);
    if (pages <= this.pool.occupancy.capacity) {
      // All of it or nothing: what advice says so far is not yet so.
      for (const piece of pieces) await this.pool.bring(this, ...this.pageCount(piece));
      let there = 0;
      for (const piece of pieces) {
        this.checkOpen();
        for (const flags of await this.pool.look(this, ...this.pageCount(piece)))
          if ((flags & SNAPSHOT_LOCAL) !== 0) there++;
      }
      if (there === pages) return this.setPinned(pieces, true);
    }
    const { name } = this.device.info;
    throw new MirrorError(
      'OUT_OF_DEVICE_MEMORY',
      `${pages} pages cannot be pinned: ${name} has ${this.pool.occupancy.capacity} frames; pin less, or unpin others`,
      { device: name, address: start },
    );
  }

  async bringPinned(start: number, end: number): Promise<void> {
    await this.bringAll(piecesOf(this.space, start, end), {});
  }

  unpin(start: number, end: number): void {
    this.setPinned(livePieces(this.space, start, end), false);
  }

  async advised(start: number, end: number): Promise<void> {
    if (this.detaching === undefined && this.pool.lostError === undefined) await this.advice.tell(start, end);
  }

  detach(): Promise<void> {
    return (this.detaching ??= this.end());
  }

  checkAttachedTo(space: SpaceState): void {
    if (space !== this.space) throw new TypeError('the mirror is one of another space');
    this.checkAttached();
  }

  /** @throws MirrorError `CLOSED` once it is being detached. @internal */
  checkAttached(): void {
    if (this.detaching !== undefined)
      throw new MirrorError('CLOSED', `the mirror on ${this.device.info.name} was detached; attach the device again`);
  }

  private async end(): Promise<void> {
    const { space, pool } = this;
    this.recorder?.recording.stop();
    space.mirrors.delete(this);
    try {
      await pool.still();
      if (pool.lostError !== undefined) return;
      for (const piece of livePieces(space, 0, space.limit))
        for (const run of pool.mayHave(...this.pagesOf(piece))) await pool.sendHome(this, run.page, run.count);
    } finally {
      space.store.live!.onClosed.delete(this.closed);
      pool.remove(this);
      // Another device may be having it give pages back.
      await pool.still();
      await this.mmu.close();
    }
  }

  /** Memory of the process ended: nothing of it is on the device any more. What is only unmapped here stays, as long as something maps it or may. */
  private readonly closed = ({ address, count }: LiveRange): void => {
    const first = this.space.pageOf(address);
    this.pool.occupancy.forget(first, first + count);
  };

  private async bringAll(pieces: readonly Piece[], options: RangeOptions): Promise<number> {
    let came = 0;
    let done = 0;
    const total = pieces.reduce((sum, { bytes }) => sum + bytes / this.space.pageSize, 0);
    for (const piece of pieces) {
      throwIfAborted(options.signal);
      const [page, count] = this.pageCount(piece);
      came += await this.ahead.bring(piece, page, count);
      options.onProgress?.((done += count), total);
    }
    return came;
  }

  /** Tells the space's notifiers, as the kernel does, that contents are about to move on behalf of this mirror. */
  private announceMove(kind: 'migrate' | 'exclusive', pieces: readonly Piece[]): void {
    for (const { start, bytes } of pieces) {
      this.space.notifiers.begin(kind, start, start + bytes, this);
      this.space.notifiers.end();
    }
  }

  private setPinned(pieces: readonly Piece[], pinned: boolean): void {
    for (const piece of pieces) {
      const [from, to] = this.pagesOf(piece);
      for (let page = from; page < to; page++) this.pool.occupancy.pin(page, pinned);
    }
  }

  /** The parts of a mapped range. */
  private pieces(start: number, bytes: number): Piece[] {
    this.checkOpen();
    checkByteLength(bytes);
    const range = this.space.pageRange(start, bytes);
    this.space.checkMapped(range.start, range.end);
    return piecesOf(this.space, range.start, range.end);
  }

  /** Page numbers of the process: the first, and the one behind the last. */
  private pagesOf({ address, bytes }: Piece): [from: number, to: number] {
    return [address / this.space.pageSize, (address + bytes) / this.space.pageSize];
  }

  private pageCount({ address, bytes }: Piece): [page: number, count: number] {
    return [address / this.space.pageSize, bytes / this.space.pageSize];
  }

  private unsupported(what: string): MirrorError {
    const { name } = this.device.info;
    return new MirrorError('UNSUPPORTED', `${name} has no ${what}`, { device: name });
  }

  private checkOpen(): void {
    this.space.checkOpen();
    this.checkAttached();
    if (this.pool.lostError !== undefined) throw this.pool.lostError;
  }
}
