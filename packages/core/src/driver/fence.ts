import type { MirrorError } from './errors.js';

/** How long to wait, and what may end the wait early. */
export interface WaitOptions {
  /** Milliseconds without progress of the device before `DEVICE_TIMEOUT`; > 0. Default 30,000. */
  readonly timeoutMs?: number;
  /** Ends the wait (not the work) with `ABORTED`. */
  readonly signal?: AbortSignal;
}

/** A point on a queue's timeline: it settles once, when all commands of its submission ran or one failed. */
export interface Fence {
  /** The queue whose timeline this is. */
  readonly queue: number;
  /** Position on the timeline: 1 for the queue's first submission, then 2, 3, …; fences of a queue settle in this order. */
  readonly value: number;
  /** All commands took effect. */
  readonly signaled: boolean;
  /** Why the submission failed; `undefined` while pending and when signaled. */
  readonly error: MirrorError | undefined;
  /**
   * Resolves when signaled; rejects with {@link Fence.error}, or `DEVICE_TIMEOUT` (the message says what was waited for,
   * on which queue, behind what), or `ABORTED`. The clock restarts whenever the device makes progress.
   */
  wait(options?: WaitOptions): Promise<void>;
}

/** Whether a fence has signaled or failed. */
export function hasSettled(fence: Fence): boolean {
  return fence.signaled || fence.error !== undefined;
}
