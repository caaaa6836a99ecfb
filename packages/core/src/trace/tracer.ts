import { Counters } from './counters.js';
import type { TraceEvent } from './event.js';

/** Receives events in the order in which they were emitted, synchronously: it must be quick and must not await. */
export type TraceListener = (event: TraceEvent) => void;

/** What a tracer is made with. */
export interface TracerOptions {
  /** Receives what a listener threw. Default: rethrown from a microtask, so that it surfaces without breaking the mirror. */
  readonly onError?: (error: unknown) => void;
}

interface Subscription {
  readonly listener: TraceListener;
}

/**
 * Hands events to listeners. Emitters guard with the plain field, so that nobody listening costs one load and one branch:
 * `if (trace.active) trace.emit({ … })`.
 */
export class Tracer {
  /** Somebody listens. Read it freely; only the tracer sets it. */
  active = false;
  /** Counters a page size, of every mirror that reports here; always on. */
  readonly counters = new Counters();

  // Replaced, never changed in place: a listener may subscribe or leave while an event is on its way.
  private subscriptions: readonly Subscription[] = [];
  private readonly onError: (error: unknown) => void;

  constructor(options: TracerOptions = {}) {
    this.onError = options.onError ?? rethrowLater;
  }

  /**
   * Adds a listener and returns the function that removes it (idempotent). A listener that throws is removed at once and
   * its error reported once, see {@link TracerOptions.onError}.
   * @throws TypeError when `listener` is not a function
   */
  on(listener: TraceListener): () => void {
    if (typeof listener !== 'function') throw new TypeError(`listener must be a function, got ${typeof listener}`);
    const subscription: Subscription = { listener };
    this.subscriptions = [...this.subscriptions, subscription];
    this.active = true;
    return () => this.remove(subscription);
  }

  /** Calls every listener with `event`. Never throws. */
  emit(event: TraceEvent): void {
    for (const subscription of this.subscriptions) {
      try {
        subscription.listener(event);
      } catch (error) {
        this.remove(subscription);
        this.onError(error);
      }
    }
  }

  private remove(subscription: Subscription): void {
    this.subscriptions = this.subscriptions.filter((other) => other !== subscription);
    this.active = this.subscriptions.length > 0;
  }
}

function rethrowLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
