import type { MirrorError } from '../driver/errors.js';
import type { Fence } from '../driver/fence.js';

/** Run once when the submission is seen to have settled. */
export type SettleCheck = (signaled: boolean, error: MirrorError | undefined) => void;

/** One call of `submit`, from the moment it is checked. */
export class Submission {
  state: 'pending' | 'signaled' | 'failed' = 'pending';
  /** Moment of the validator's clock at which it was seen signaled; Infinity before, and when it failed. */
  signaledAt = Infinity;
  /** The device's own fence; absent while the device has not returned from `submit`. */
  inner: Fence | undefined;
  /** What it waits for, of those that this validator knows. */
  after: readonly Submission[];
  checks: SettleCheck[] = [];
  /** It was already reported for settling out of order. */
  early = false;

  /** Index (not id) of its queue. */
  readonly queue: number;
  readonly queueId: number;
  /** Position on its queue's timeline, as the caller sees it. */
  readonly value: number;
  /** By queue index: the last position that certainly ends before this one starts (a vector clock). */
  readonly clock: Float64Array;
  /** Moment of the validator's clock at which it was submitted. */
  readonly submittedAt: number;

  constructor(
    queue: number,
    queueId: number,
    value: number,
    clock: Float64Array,
    submittedAt: number,
    after: readonly Submission[],
  ) {
    this.queue = queue;
    this.queueId = queueId;
    this.value = value;
    this.clock = clock;
    this.submittedAt = submittedAt;
    this.after = after;
  }

  /** Says whether `other` certainly ends before this one starts, or is this one. */
  follows(other: Submission): boolean {
    return other === this || (this.clock[other.queue] ?? 0) >= other.value;
  }

  toString(): string {
    return `submission ${this.value} on queue ${this.queueId}`;
  }
}
