import {
  CANCEL_OUT_OF_DEVICE_MEMORY,
  CANCEL_TIMEOUT,
  createFaultBatch,
  FAULT_READ,
  FAULT_WRITE,
  type FaultBatch,
} from '../driver/index.js';
import { ActiveWindow } from '../policy/index.js';
import { Admission } from './admission.js';
import { CrowdRecord } from './crowd-record.js';
import type { MirrorState } from './mirror-state.js';
import type { PoolState } from './pool-state.js';
import { Prefetcher } from './prefetcher.js';
import { reportStall } from './reports.js';
import { Room } from './room.js';
import { sendRound, unlockPlaced } from './round.js';
import { StaleFaults } from './stale-faults.js';

/** Replays without any effect before the device is waited for. */
const FRUITLESS_REPLAYS = 64;

/** Rounds in which a single unit may want, and not get, the pages that it wanted before: it runs from its start each time. */
const REPEATS = 3;

/** Rounds in a row without a fault of the queue whose turn it is, after which it is another's. */
const MOST_ABSENCES = 16;

/** Most pages of one work unit: rounds at a window of one that may pass without a finished unit. */
const PAGES_PER_UNIT = 4096;

/**
 * The fault service of a device: drains its fault buffer, decides about every page, and serves what can be served at once.
 * Bounded: a round serves at most a batch; without progress fewer work units stay in flight, and if a single one cannot get
 * further, its accesses fail (R8).
 */
export class FaultService {
  private readonly pool: PoolState;
  private readonly batch: FaultBatch;
  private readonly rest: FaultBatch;
  private readonly admission: Admission;
  private readonly prefetcher: Prefetcher;
  private readonly room: Room;
  private readonly window: ActiveWindow;
  private retired: number;
  private readonly crowd = new CrowdRecord();
  private readonly stale = new StaleFaults();
  /** The one queue whose faults are served, while even one work unit of each queue is too much. */
  private turn: number | undefined;
  /** Rounds in a row that had faults, but none of that queue. */
  private absences = 0;
  /** The device asked for service since the last round. */
  private asked = false;
  private readonly kick: () => void;
  /** Rounds in a row that found no fault and no progress. */
  private fruitless = 0;

  constructor(pool: PoolState, batchSize: number, kick: () => void) {
    this.kick = kick;
    this.pool = pool;
    this.batch = createFaultBatch(batchSize);
    this.rest = createFaultBatch(batchSize);
    this.admission = new Admission(pool);
    this.prefetcher = new Prefetcher(this.admission);
    this.room = new Room(pool);
    this.window = new ActiveWindow(pool.device.limits.residentUnits, PAGES_PER_UNIT);
    this.retired = pool.device.faults.retired;
  }

  /** The device has stalled accesses to serve. */
  called(): void {
    this.asked = true;
    this.kick();
  }

  /**
   * An access or a launch on a queue failed: what is left of its faults is not served. Others' that cannot be told from them are reported again
   * after a replay.
   */
  failed(queue: number): void {
    const { device, mirrors } = this.pool;
    this.stale.add(queue, device.faults.pending);
    let forgotten = 0;
    for (const { deferred, hopeless } of mirrors) {
      forgotten += deferred.length + hopeless.length;
      deferred.clear();
      hopeless.clear();
    }
    if (forgotten === 0) return;
    this.replayAll();
    this.kick();
  }

  /** Whether faults wait for something else than this service. */
  get waiting(): boolean {
    return this.pool.mirrors.some((mirror) => mirror.deferred.length > 0);
  }

  /** Serves one batch of faults. Returns a promise where the device takes time, `undefined` where it is done. */
  round(): Promise<void> | undefined {
    this.drain();
    // What others have locked, to move it or to keep it while they make room, they unlock: nothing is hopeless before that.
    const locked = this.window.size === 1 && this.pool.frames.anyLocked;
    this.admission.unlockGranted();
    let faults = 0;
    for (const mirror of this.pool.mirrors) faults += this.decide(mirror);
    if (this.pool.mirrors.some(({ batch }) => batch?.replay === true)) this.flushBuffer();
    this.admission.beginReads();
    this.admission.recheck();
    this.admission.announceUnlocked();
    const progressed = this.noteProgress();
    if (faults > 0) this.fruitless = 0;
    else if (this.asked) this.resume(progressed);
    this.asked = false;
    if (!this.hasBatch()) return undefined;
    this.prefetcher.planAll(this.pool);
    // What others have under way may free frames: then nothing is hopeless yet.
    const quiet = !locked && !this.pool.busy && !this.admission.busy;
    const outcome = sendRound(this.pool, this.room, this.activeWindow());
    if (outcome.crowded === 0 || progressed) return outcome.done;
    return this.relieve(outcome.placed, quiet, outcome.done);
  }

  /** A round threw half way, and the device is about to be given up: what it locked is unlocked, and what was to leave is lost. */
  abandon(): void {
    this.room.abandon(this.room.chosen());
    for (const { wanted, batch, residency, space } of this.pool.mirrors) {
      for (let i = 0; i < wanted.length; i++) space.store.unlock(wanted.hosts[i]!);
      wanted.clear();
      if (batch !== undefined) unlockPlaced(residency, batch);
    }
  }

  /** Pages that nobody faulted on: places those that can be placed at once. Returns how many there were, and when they are there. */
  bring(mirror: MirrorState): { placed: number; done: Promise<void> | undefined } {
    mirror.wantedFaults = 0;
    const { placed, done } = sendRound(this.pool, this.room, this.activeWindow());
    return { placed, done };
  }

  /** Decides about pages one by one, for those who bring them ahead of faults. */
  get admit(): Admission {
    return this.admission;
  }

  /** Fails every fault that waits: what they wait for does not come. */
  expire(): void {
    for (const { deferred, refused } of this.pool.mirrors) {
      for (let i = 0; i < deferred.length; i++) refused.push(deferred.pages[i]!, 0, 0, CANCEL_TIMEOUT);
    }
  }

  private activeWindow(): number | undefined {
    return this.window.size < this.pool.device.limits.residentUnits ? this.window.size : undefined;
  }

  private drain(): void {
    const { pool, batch } = this;
    for (const mirror of pool.mirrors) mirror.faults.clear();
    batch.count = 0;
    if (pool.device.faults.pending > 0) pool.device.faults.drain(batch);
    // Another queue's fault of the same page may be among them.
    if (this.stale.takeFrom(batch) > 0 && pool.device.faults.stalled > 0) this.replayAll();
    let mirror: MirrorState | undefined;
    if (this.turn !== undefined && batch.count > 0 && this.hasPassed(this.turn)) this.turn = batch.queues[0]!;
    for (let i = 0; i < batch.count; i++) {
      if (this.turn !== undefined && batch.queues[i] !== this.turn) continue;
      const mmu = batch.mmus[i]!;
      if (mirror?.mmu.id !== mmu) mirror = pool.mirrors.find((candidate) => candidate.mmu.id === mmu);
      // A fault of an MMU that is being closed ends with it.
      if (mirror === undefined) continue;
      mirror.recorder?.fault(batch.pages[i]!, batch.access[i]!, batch.queues[i]!);
      mirror.faults.push(batch.pages[i]!, 0, 0, batch.access[i] === FAULT_READ ? FAULT_READ : FAULT_WRITE);
    }
  }

  /**
   * Forgets what is left in the fault buffer where a replay follows anyhow: what still faults then is reported again, what was brought
   * meanwhile is not. NVIDIA's replay policy `BATCH_FLUSH`.
   */
  private flushBuffer(): void {
    const { pool, rest } = this;
    const { faults } = pool.device;
    this.stale.clear();
    while (faults.pending > 0 && faults.drain(rest) > 0) {
      const mmus = rest.mmus.subarray(0, rest.count);
      for (const mirror of pool.mirrors) if (mmus.includes(mirror.mmu.id)) pool.batchOf(mirror).replay = true;
    }
  }

  /** Decides about the faults of a mirror; returns how many there were. */
  private decide(mirror: MirrorState): number {
    const { sorted, stats, refused } = mirror;
    if (mirror.faults.length + mirror.deferred.length === 0) return 0;
    stats.duplicateFaults += sorted.fill(mirror.faults, mirror.deferred);
    mirror.deferred.clear();
    if (mirror.watches) mirror.time = this.pool.device.now();
    this.refuseHopeless(mirror);
    const refusals = refused.length > 0 ? this.refuse(mirror) : undefined;
    this.admission.faults(mirror, sorted, refusals);
    mirror.wantedFaults = mirror.wanted.length;
    const settled = mirror.wanted.length + (mirror.batch?.cancels.length ?? 0);
    if (settled > 0) {
      this.pool.batchOf(mirror).replay = true;
      stats.batches++;
      stats.replays++;
      stats.faults += mirror.wanted.length;
    }
    this.traceFaults(mirror);
    return sorted.length;
  }

  /**
   * Stalled accesses of which no fault is left to serve: units beyond the window, or those whose faults overflowed the buffer.
   * They are let go on; but a device that then neither gets further nor reports a fault is not asked for ever.
   */
  private resume(progressed: boolean): void {
    const { pool } = this;
    this.fruitless = progressed ? 0 : this.fruitless + 1;
    if (pool.device.faults.stalled === 0 || this.fruitless > FRUITLESS_REPLAYS) return;
    this.replayAll();
  }

  /** What cannot fit and has faulted again is refused now; but if anything got further meanwhile, it was not hopeless after all. */
  private refuseHopeless(mirror: MirrorState): void {
    const { hopeless, refused } = mirror;
    const progressed = this.pool.device.faults.retired !== this.retired;
    for (let i = 0; i < hopeless.length && !progressed; i++)
      refused.push(hopeless.pages[i]!, 0, 0, CANCEL_OUT_OF_DEVICE_MEMORY);
    hopeless.clear();
  }

  private refuse(mirror: MirrorState): Set<number> {
    const { refused } = mirror;
    const pages = new Set<number>();
    for (let i = 0; i < refused.length; i++) {
      if (pages.has(refused.pages[i]!)) continue;
      pages.add(refused.pages[i]!);
      this.admission.cancel(mirror, refused.pages[i]!, refused.codes[i]!);
    }
    refused.clear();
    return pages;
  }

  private noteProgress(): boolean {
    const retired = this.pool.device.faults.retired;
    if (retired === this.retired) return false;
    this.retired = retired;
    for (const mirror of this.pool.mirrors) mirror.hopeless.clear();
    this.window.onRound(true);
    this.pool.frames.clearFresh();
    this.crowd.clear();
    this.endTurn();
    return true;
  }

  /** What is drained of other queues' faults is not served: they report it again, since every round lets all of them try again. */
  private beginTurn(queue: number): void {
    this.turn = queue;
    this.crowd.clear();
    for (const mirror of this.pool.mirrors) mirror.deferred.clear();
    this.replayAll();
  }

  /** Whether the queue whose turn it is waits for nothing any more. Devices may take their time until they report its next fault. */
  private hasPassed(turn: number): boolean {
    const { batch, pool } = this;
    const waits = batch.queues.subarray(0, batch.count).includes(turn);
    this.absences = waits ? 0 : this.absences + 1;
    if (waits) return false;
    const { depth = 0 } = pool.device.queues.find(({ id }) => id === turn) ?? {};
    if (depth > 0 && this.absences < MOST_ABSENCES) return false;
    this.absences = 0;
    return true;
  }

  private endTurn(): void {
    if (this.turn === undefined) return;
    this.turn = undefined;
    this.replayAll();
  }

  private replayAll(): void {
    for (const mirror of this.pool.mirrors) {
      this.pool.batchOf(mirror).replay = true;
      mirror.stats.replays++;
    }
  }

  /**
   * Work units want more pages than fit: fewer go on, down to one of each launch, and then to one of one queue's. Where that one
   * cannot get further, what it waits for is refused.
   */
  private relieve(placed: number, quiet: boolean, done: Promise<void> | undefined): Promise<void> | undefined {
    const { pool, window, batch } = this;
    const last = window.size === 1;
    const single = last && (this.turn !== undefined || batch.count === 0);
    window.onRound(false);
    for (const mirror of pool.mirrors) mirror.stats.stalls++;
    reportStall(pool, `frames: ${window.size} work units may go on`);
    const repeats = single ? this.crowd.add(pool) : 0;
    const noFrames = placed === 0 && pool.frames.freshFrames === 0;
    const hopeless = single && quiet && (noFrames || repeats >= REPEATS || window.stuck);
    for (const mirror of pool.mirrors) {
      const { sorted } = mirror;
      if (sorted.length === 0) continue;
      // Not at once: a replay is on its way, after which nothing need be stalled until it has faulted again.
      if (hopeless) {
        for (let i = 0; i < sorted.length; i++) mirror.hopeless.push(sorted.pages[i]!, 0, 0, 0);
      }
      pool.batchOf(mirror).replay = true;
    }
    if (hopeless) this.endTurn();
    else if (last && !single) this.beginTurn(batch.queues[0]!);
    pool.frames.clearFresh();
    const again = sendRound(pool, this.room, this.activeWindow()).done;
    if (done === undefined) return again;
    return done.then(() => again);
  }

  private hasBatch(): boolean {
    const { mirrors, turn } = this.pool;
    if (mirrors.some(({ batch }) => batch !== undefined)) return true;
    return mirrors.some(({ dirty }) => dirty.length > 0) && turn.wait() === undefined;
  }

  private traceFaults(mirror: MirrorState): void {
    const { trace, id, pageSize } = mirror.space;
    if (!trace.active) return;
    const { sorted } = mirror;
    const base = { time: this.pool.device.now(), device: this.pool.name, space: id, pageSize };
    for (let i = 0; i < sorted.length; i++) {
      const access = sorted.write[i] === 1 ? FAULT_WRITE : FAULT_READ;
      trace.emit({ ...base, type: 'fault', count: 1, page: sorted.pages[i]!, access });
    }
    const drained = mirror.faults.length;
    trace.emit({ ...base, type: 'batch', count: mirror.wanted.length, drained, page: sorted.pages[0] ?? 0 });
  }
}
