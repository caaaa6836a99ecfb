import { type Device, type Fence, hasSettled, MirrorError } from '../driver/index.js';
import { nextTurn } from '../kit/index.js';
import { type PageStore, type RecallMode, Signal } from '../space/index.js';
import { Aging } from './aging.js';
import { FaultService } from './fault-service.js';
import { FlushLater } from './flush-later.js';
import { flushPool } from './flush.js';
import { harvestPages } from './harvest.js';
import { loseDevice } from './loss.js';
import type { MirrorState } from './mirror-state.js';
import { type PoolOptions, PoolState } from './pool-state.js';
import { recallFrom } from './recall.js';
import { reportStall } from './reports.js';
import { Residency, type ResidencyPool } from './residency.js';

/** Rounds without giving way to the event loop. */
const ROUNDS_A_TURN = 64;

/**
 * A device's memory, shared by the mirrors of all spaces on it, and the loop that serves it: garbage first, then faults, until
 * there is nothing left to do or everything left waits for somebody else.
 */
export class DevicePool implements ResidencyPool {
  readonly state: PoolState;
  readonly faults: FaultService;
  /** Sends what waits for a flush that nobody asks for. */
  readonly later: FlushLater;
  private readonly aging: Aging;
  /** Attachments under way. */
  attaching = 0;
  /** Mirrors that were removed and not released yet. */
  private leaving = 0;
  private running = false;
  private again = false;
  /** Fires when somebody kicked the loop while it waited. */
  private readonly kicked = new Signal();

  constructor(device: Device, options: PoolOptions) {
    this.state = new PoolState(device, options);
    this.faults = new FaultService(this.state, options.batch, () => this.kick());
    this.state.turn.onTurn = () => void this.flushNow();
    this.later = new FlushLater(this.state, options.flush, () => this.flushNow());
    this.aging = new Aging(this.state, options.aging, options.sampling);
    this.state.onLost = (error) => this.onLost(error);
    void device.lost.then((info) => {
      const code = info.reason === 'closed' ? 'CLOSED' : 'DEVICE_LOST';
      this.state.lose(new MirrorError(code, `${this.name}: ${info.message}`, { device: this.name }));
    });
  }

  /** Name of the device. */
  get name(): string {
    return this.state.name;
  }

  get frames(): PoolState['frames'] {
    return this.state.frames;
  }

  /** The residency of a store's pages in this device; made when there is none. */
  residencyOf(store: PageStore): Residency {
    const { residencies } = this.state;
    const known = residencies.find((residency) => residency?.store === store);
    if (known !== undefined) return known;
    let index = residencies.indexOf(undefined);
    if (index < 0) index = residencies.length;
    const residency = new Residency(this, store, index);
    residencies[index] = residency;
    return residency;
  }

  /** Adds a mirror. */
  add(mirror: MirrorState): void {
    if (this.state.mirrors.length === 0) this.state.device.faults.listen(() => this.faults.called());
    mirror.residency.mirrors++;
    this.state.mirrors.push(mirror);
  }

  /** Whether any space is mirrored here, or about to be. */
  get inUse(): boolean {
    return this.attaching + this.state.mirrors.length + this.leaving > 0 && this.state.lostError === undefined;
  }

  /**
   * Removes a mirror, whose space must have no entries on the device any more: from now on nothing is sent for it. Resolves when
   * all that was sent is done, so that its MMU can be closed; a command for a closed one would fail, and count as the device's
   * failure. Release it then.
   */
  remove(mirror: MirrorState): Promise<void> {
    const { mirrors } = this.state;
    mirrors.splice(mirrors.indexOf(mirror), 1);
    if (mirrors.length === 0) {
      this.state.device.faults.listen(null);
      this.later.end();
    }
    this.leaving++;
    return this.state.idle();
  }

  /** Gives back what a removed mirror had of the pool. */
  release(mirror: MirrorState): void {
    const { residencies } = this.state;
    const { residency } = mirror;
    this.leaving--;
    if (--residency.mirrors === 0) {
      residency.close();
      residencies[residency.index] = undefined;
    }
  }

  kick(): void {
    this.again = true;
    this.kicked.fire();
    if (this.running || this.state.lostError !== undefined) return;
    this.running = true;
    queueMicrotask(() => void this.loop());
  }

  recall(residency: Residency, pages: Uint32Array, count: number, mode: RecallMode): Promise<void> {
    return recallFrom(this.state, residency, pages, count, mode);
  }

  coldest(residency: Residency, count: number): number[] {
    const { frames } = this.state;
    const out = new Uint32Array(count);
    const taken = frames.policy.victims(out, count, frames.flagsBut(residency.index, this.state.residencies.length));
    // Nobody else may miss them while it is found out whether they leave.
    frames.policy.insert(out, taken, this.keysOf(residency, out.subarray(0, taken)));
    return Array.from(out.subarray(0, taken), (frame) => frames.pageOf[frame]!);
  }

  async accessed(residency: Residency, pages: Uint32Array): Promise<Uint8Array> {
    if (!this.state.device.features.has('accessed-bits') || this.state.lostError !== undefined)
      return new Uint8Array(pages.length);
    return harvestPages(this.state, residency, pages);
  }

  async flush(): Promise<void> {
    // A turn's invalidations share one submission.
    await Promise.resolve();
    const { mirrors, turn, lostError } = this.state;
    if (lostError === undefined && mirrors.some(({ dirty }) => dirty.length > 0)) await turn.wait();
    await this.flushNow();
  }

  /** Submits pending invalidations at once; what is submitted after the returned fence sees them. */
  flushNow(): Promise<void> | undefined {
    if (this.state.lostError !== undefined) return undefined;
    const done = flushPool(this.state);
    return done ?? (this.state.busy ? this.state.idle() : undefined);
  }

  /** What a launch must come after so that it sees the present page table, or `undefined`. */
  barrier(): Fence | undefined {
    void this.flushNow();
    const fence = this.state.queues.last;
    return fence === undefined || hasSettled(fence) ? undefined : fence;
  }

  /** By which the policy knows the pages in frames; NaN where several entries map one. */
  private keysOf({ store }: Residency, frames: Uint32Array): Float64Array {
    return Float64Array.from(frames, (frame) => {
      const key = store.onlyKeyOf(this.frames.pageOf[frame]!);
      return key < 0 ? NaN : key;
    });
  }

  private async loop(): Promise<void> {
    try {
      for (let rounds = 1; this.state.lostError === undefined; rounds++) {
        this.again = false;
        const waiting = this.faults.round();
        this.aging.tick();
        if (waiting !== undefined) await waiting;
        if (rounds % ROUNDS_A_TURN === 0 || this.isAhead()) await nextTurn();
        if (this.hasWork()) continue;
        if (!this.faults.waiting) break;
        await this.waitForOthers();
      }
    } catch (error) {
      this.giveUp(error);
    } finally {
      this.running = false;
    }
  }

  /** A policy threw in the middle of a round: what it had decided is nowhere else, and whoever waits must not wait for ever. */
  private giveUp(cause: unknown): void {
    this.faults.abandon();
    const what = cause instanceof Error ? cause.message : String(cause);
    const message = `${this.name} is given up, its faults cannot be served: ${what}`;
    this.state.giveUp(new MirrorError('DEVICE_LOST', message, { device: this.name, cause }));
  }

  /** Whether faults have taken host memory beyond its budget: reclaim, which runs in turns of its own, has to catch up. */
  private isAhead(): boolean {
    return this.state.residencies.some((residency) => residency?.store.pressure?.over === true);
  }

  private hasWork(): boolean {
    return this.again || this.state.device.faults.pending > 0;
  }

  /** Faults wait for a hold, a lock or another device: until a kick, or until nothing happened for too long (R6). */
  private async waitForOthers(): Promise<void> {
    const before = this.state.device.faults.retired;
    reportStall(this.state, 'pages that are held, locked, in a file or on another device');
    if (await this.kicked.wait(this.state.timeoutMs)) return;
    if (this.state.device.faults.retired === before) this.faults.expire();
  }

  private onLost(error: MirrorError): void {
    loseDevice(this.state, error);
    this.later.end();
    this.faults.admit.unlockGranted();
    this.faults.admit.announceUnlocked();
    this.kicked.fire();
  }
}
