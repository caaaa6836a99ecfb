import type { FaultSource } from '../driver/fault.js';
import type { Reporter } from './report.js';
import type { Submission } from './submission.js';
import type { Timelines } from './timelines.js';

/** The quiet time is waited for in so many steps: a host that stood still for all of it, device and all, proves nothing. */
const STEPS = 20;

interface Progress {
  /** Faults drained since the last replay was submitted. */
  drained: number;
  replay: Submission | undefined;
  windowed: boolean;
  /** Faults dropped by then. */
  dropped: number;
}

/**
 * Watches for stalled accesses that nobody will ever hear of. Whatever is stalled was reported since the last replay of its
 * MMU: that report waits in the buffer, was drained since, or was dropped. If it is none of these for `quietMs` in which the
 * device makes no progress and has no paging work, a fault was forgotten.
 */
export class LostFaults {
  private readonly faults: FaultSource;
  private readonly timelines: Timelines;
  private readonly reporter: Reporter;
  private readonly quietMs: number;
  private readonly mmus = new Map<number, Progress>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private steps = 0;
  private stalledBefore = -1;
  private retiredBefore = -1;
  private told = false;

  constructor(faults: FaultSource, timelines: Timelines, reporter: Reporter, quietMs: number) {
    this.faults = faults;
    this.timelines = timelines;
    this.reporter = reporter;
    this.quietMs = quietMs;
  }

  open(mmu: number): void {
    this.mmus.set(mmu, { drained: 0, replay: undefined, windowed: false, dropped: this.faults.dropped });
  }

  replay(mmu: number, window: number | undefined, by: Submission): void {
    this.mmus.set(mmu, { drained: 0, replay: by, windowed: window !== undefined, dropped: this.faults.dropped });
  }

  drained(mmu: number): void {
    const progress = this.mmus.get(mmu);
    if (progress !== undefined) progress.drained += 1;
  }

  forget(mmu: number): void {
    this.mmus.delete(mmu);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  look(): void {
    if (!this.suspicious()) return this.stop();
    if (this.timer === undefined || this.moved()) this.start();
  }

  private start(): void {
    this.stop();
    this.steps = 0;
    this.moved();
    this.wait();
  }

  private wait(): void {
    this.timer = setTimeout(() => this.step(), this.quietMs / STEPS);
    unref(this.timer);
  }

  /** Says whether anything ran or stalled since the last call. */
  private moved(): boolean {
    const { retired, stalled } = this.faults;
    const moved = retired !== this.retiredBefore || stalled !== this.stalledBefore;
    this.retiredBefore = retired;
    this.stalledBefore = stalled;
    return moved;
  }

  private suspicious(): boolean {
    const { stalled, pending, dropped } = this.faults;
    if (this.told || stalled === 0 || pending > 0 || this.timelines.paging) return false;
    for (const { drained, replay, windowed, dropped: before } of this.mmus.values()) {
      if (drained > 0 || dropped > before || windowed || replay?.state === 'failed') return false;
    }
    return true;
  }

  private step(): void {
    this.timer = undefined;
    if (!this.suspicious()) return;
    if (this.moved()) return this.start();
    if (++this.steps < STEPS) return this.wait();
    const { stalled } = this.faults;
    this.told = true;
    this.reporter.report(
      'backend',
      'fault',
      `${stalled} accesses are stalled, but no fault waits, none was drained since the last replay and none was dropped since: ` +
        'a fault was forgotten. Report every stalled access again when a replay does not let it finish',
    );
  }
}

/** The watch must not keep a Node process alive. */
function unref(timer: { unref?: () => void } | number): void {
  if (typeof timer === 'object') timer.unref?.();
}
