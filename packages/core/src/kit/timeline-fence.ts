import { MirrorError } from '../driver/errors.js';
import type { Fence, WaitOptions } from '../driver/fence.js';

const DEFAULT_TIMEOUT_MS = 30_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** A wait looks for progress this often per timeout, so an expiry is at most a quarter late. */
const LOOKS = 4;

/** What a fence asks its timeline for while somebody waits. */
export interface Timeline {
  /** Any number that changes when the device makes progress. */
  heartbeat(): number;
  /** What stands before the fence, for the message of a timeout, e.g. `behind 3 submissions, head: launch`. */
  describe(fence: TimelineFence): string;
}

/** A fence that its backend settles. Costs no promise and no timer until somebody waits. */
export class TimelineFence implements Fence {
  readonly queue: number;
  readonly value: number;
  readonly #timeline: Timeline;
  #signaled = false;
  #error: MirrorError | undefined;
  #listeners: (() => void)[] | undefined;

  /** @param value position on the queue's timeline: 1, 2, 3, … */
  constructor(queue: number, value: number, timeline: Timeline) {
    this.queue = queue;
    this.value = value;
    this.#timeline = timeline;
  }

  get signaled(): boolean {
    return this.#signaled;
  }

  get error(): MirrorError | undefined {
    return this.#error;
  }

  /** Whether it signaled or failed. */
  get settled(): boolean {
    return this.#signaled || this.#error !== undefined;
  }

  /** Signals. Does nothing when settled before. */
  settle(): void {
    if (this.settled) return;
    this.#signaled = true;
    this.#tell();
  }

  /** Fails. Does nothing when settled before. */
  fail(error: MirrorError): void {
    if (this.settled) return;
    this.#error = error;
    this.#tell();
  }

  /** Calls `listener` once, when settled: synchronously from `settle` or `fail`, or at once if that has been. */
  onSettled(listener: () => void): void {
    if (this.settled) listener();
    else (this.#listeners ??= []).push(listener);
  }

  wait(options: WaitOptions = {}): Promise<void> {
    if (typeof options !== 'object' || options === null)
      return Promise.reject(new TypeError('wait options must be an object'));
    const { signal } = options;
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    if (typeof timeoutMs !== 'number') return Promise.reject(new TypeError('timeoutMs must be a number'));
    if (!(timeoutMs > 0)) return Promise.reject(new RangeError(`timeoutMs must be > 0, got ${timeoutMs}`));
    if (signal !== undefined && typeof signal?.addEventListener !== 'function')
      return Promise.reject(new TypeError('signal must be an AbortSignal'));
    if (this.#signaled) return Promise.resolve();
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (signal?.aborted === true) return Promise.reject(this.#aborted(signal.reason));
    return this.#pending(timeoutMs, signal);
  }

  #tell(): void {
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener();
  }

  #pending(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearInterval(timer);
        signal?.removeEventListener('abort', abort);
        this.#forget(settled);
      };
      const settled = () => {
        done();
        if (this.#error === undefined) resolve();
        else reject(this.#error);
      };
      const abort = () => {
        done();
        reject(this.#aborted(signal?.reason));
      };
      let beat = this.#timeline.heartbeat();
      let idleLooks = 0;
      const look = () => {
        const now = this.#timeline.heartbeat();
        idleLooks = now === beat ? idleLooks + 1 : 0;
        beat = now;
        if (idleLooks < LOOKS) return;
        done();
        reject(this.#expired(timeoutMs));
      };
      const timer = setInterval(look, Math.min(timeoutMs / LOOKS, LONGEST_TIMER_MS));
      unref(timer);
      signal?.addEventListener('abort', abort, { once: true });
      this.onSettled(settled);
    });
  }

  #forget(listener: () => void): void {
    const at = this.#listeners?.indexOf(listener) ?? -1;
    if (at >= 0) this.#listeners?.splice(at, 1);
  }

  #aborted(cause: unknown): MirrorError {
    return new MirrorError(
      'ABORTED',
      `The wait for fence ${this.value} of queue ${this.queue} was aborted; the work goes on.`,
      {
        cause,
      },
    );
  }

  #expired(timeoutMs: number): MirrorError {
    return new MirrorError(
      'DEVICE_TIMEOUT',
      `Fence ${this.value} of queue ${this.queue} did not settle, and the device made no progress for ${timeoutMs} ms: ` +
        `${this.#timeline.describe(this)}. Check that its faults are served and that no fence it waits for is stuck, or wait longer.`,
    );
  }
}

/**
 * Calls `listener` once, when `fence` is settled; at once if it is. Works for the fences of any backend: others than
 * {@link TimelineFence} are waited for, again after each timeout.
 */
export function whenSettled(fence: Fence, listener: () => void): void {
  if (fence instanceof TimelineFence) fence.onSettled(listener);
  else if (fence.signaled || fence.error !== undefined) listener();
  else {
    const again = () => whenSettled(fence, listener);
    fence.wait({ timeoutMs: LONGEST_TIMER_MS }).then(listener, again);
  }
}

/** A timer of a wait must not keep a Node process alive. */
function unref(timer: number | { unref?: () => unknown }): void {
  if (typeof timer === 'object') timer.unref?.();
}
