import type { Command } from '../driver/command.js';
import type { CommandQueue, SubmitOptions } from '../driver/device.js';
import { MirrorError } from '../driver/errors.js';
import type { Fence } from '../driver/fence.js';
import type { Reporter } from './report.js';

/** The device's side of a queue: what it answers to a submission. */
export class DeviceQueue {
  readonly inner: CommandQueue;
  private readonly reporter: Reporter;
  /** Value of the next fence; unknown before the first, for the device may have been used before. */
  private next: number | undefined;
  private hidden: Fence[] = [];

  constructor(inner: CommandQueue, reporter: Reporter) {
    this.inner = inner;
    this.reporter = reporter;
  }

  /** Submissions of the caller that did not settle. */
  get depth(): number {
    this.hidden = this.hidden.filter((fence) => !fence.signaled && fence.error === undefined);
    return this.inner.depth - this.hidden.length;
  }

  /** Submits what the caller does not know of. */
  submitHidden(commands: readonly Command[], options: SubmitOptions): Fence {
    const fence = this.submit(commands, options);
    this.hidden.push(fence);
    return fence;
  }

  /** Submits; `refusal`: what the device has to throw UNSUPPORTED for. */
  submit(commands: readonly Command[], options: SubmitOptions, refusal?: MirrorError): Fence {
    const { reporter, inner } = this;
    const { id } = inner;
    const expected = this.next;
    if (expected !== undefined) this.next = expected + 1;
    try {
      const fence = inner.submit(commands, options);
      const right =
        expected === undefined ? Number.isInteger(fence.value) && fence.value > 0 : fence.value === expected;
      if (fence.queue !== id || !right) {
        const wanted = expected === undefined ? `a fence of queue ${id}` : `fence ${expected} of queue ${id}`;
        reporter.report(
          'backend',
          'fence',
          `a submission returned fence ${fence.value} of queue ${fence.queue}, not ${wanted}: values count 1, 2, 3, … on each queue`,
        );
      }
      this.next ??= fence.value + 1;
      if (expected !== undefined && fence.value > expected) this.next = Math.max(this.next, fence.value + 1);
      return fence;
    } catch (error) {
      this.next = expected;
      this.judge(error, refusal);
      throw error;
    }
  }

  /** Only malformed and unclaimed commands may make `submit` throw. */
  private judge(error: unknown, refusal: MirrorError | undefined): void {
    const { reporter } = this;
    if (error instanceof MirrorError && error.code === 'UNSUPPORTED') {
      if (refusal === undefined)
        reporter.report('backend', 'claim', `submit refused what the device claims: ${error.message}`);
      return;
    }
    const typed = error instanceof TypeError || error instanceof RangeError;
    if (typed || (error instanceof MirrorError && error.code === 'INVALID_ARGUMENT')) return;
    reporter.report(
      'backend',
      'fence',
      `submit threw ${String(error)}: for a device fault or a lost device return a fence that fails`,
    );
  }
}
