import type { Command } from '../driver/command.js';
import type { FaultBatch, FaultSource } from '../driver/fault.js';
import type { FaultJudge } from './fault-judge.js';
import { LostFaults } from './lost-faults.js';
import type { Reporter } from './report.js';
import type { Submission } from './submission.js';
import type { Timelines } from './timelines.js';

/** The device's fault source, looked at closely. */
export class FaultCheck implements FaultSource {
  /** Whether the device is closed: nothing may come from it then. */
  closed = false;
  private readonly inner: FaultSource;
  private readonly timelines: Timelines;
  private readonly judge: FaultJudge;
  private readonly reporter: Reporter;
  private readonly lost: LostFaults;
  private retiredBefore = 0;
  private droppedBefore = 0;
  private draining = false;

  constructor(inner: FaultSource, timelines: Timelines, judge: FaultJudge, reporter: Reporter, quietMs: number) {
    this.inner = inner;
    this.timelines = timelines;
    this.judge = judge;
    this.reporter = reporter;
    this.lost = new LostFaults(inner, timelines, reporter, quietMs);
  }

  get capacity(): number {
    return this.inner.capacity;
  }

  get pending(): number {
    this.look();
    return this.inner.pending;
  }

  get dropped(): number {
    this.look();
    return this.inner.dropped;
  }

  get retired(): number {
    this.look();
    return this.inner.retired;
  }

  get stalled(): number {
    this.look();
    return this.inner.stalled;
  }

  drain(batch: FaultBatch): number {
    this.look();
    this.draining = true;
    const count = this.inner.drain(batch);
    this.draining = false;
    if (batch.count !== count || count < 0 || count > batch.capacity) {
      this.reporter.report(
        'backend',
        'fault',
        `drain returned ${count} and set batch.count to ${batch.count}, capacity ${batch.capacity}: return batch.count, at most batch.capacity`,
      );
    }
    for (let i = 0; i < Math.min(count, batch.capacity); i++) {
      this.lost.drained(batch.mmus[i] ?? 0);
      this.judge.fault(batch, i);
    }
    if (this.inner.pending === 0) this.judge.empty();
    return count;
  }

  listen(listener: (() => void) | null): void {
    if (listener === null) return this.inner.listen(null);
    this.inner.listen(() => {
      if (this.draining) {
        this.reporter.report(
          'backend',
          'fault',
          'the fault listener was called from inside drain: call it when a stall needs service',
        );
      }
      if (this.closed) {
        this.reporter.report(
          'backend',
          'close',
          'the fault listener was called after the device was closed: forget it in close()',
        );
      }
      this.look();
      listener();
    });
  }

  /** Notes commands that wake stalled accesses. */
  command(command: Command, by: Submission): void {
    if (command.kind === 'replayFaults') this.lost.replay(command.mmu, command.window, by);
  }

  open(mmu: number): void {
    this.lost.open(mmu);
  }

  close(mmu: number): void {
    this.lost.forget(mmu);
  }

  /** Ends the watch for forgotten faults. */
  stop(): void {
    this.closed = true;
    this.lost.stop();
  }

  /** Looks at fences and counters. */
  look(): void {
    this.timelines.look();
    const { retired, dropped } = this.inner;
    if (retired < this.retiredBefore || dropped < this.droppedBefore) {
      this.reporter.report(
        'backend',
        'counter',
        `faults.retired went from ${this.retiredBefore} to ${retired}, faults.dropped from ${this.droppedBefore} to ${dropped}: both only grow`,
      );
    }
    this.retiredBefore = retired;
    this.droppedBefore = dropped;
    if (!this.closed) this.lost.look();
  }
}
