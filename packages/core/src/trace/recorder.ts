import type { TraceEvent } from './event.js';
import type { Tracer } from './tracer.js';

const DEFAULT_LIMIT = 1_000_000;

/** What a recorder is made with. */
export interface RecordOptions {
  /** Most events kept, ≥ 1; beyond it the oldest are dropped. Default 1,000,000. */
  readonly limit?: number;
}

/** Events of a tracer, the newest `limit` of them. */
export interface TraceRecording {
  /** The events kept, oldest first: a new array each time. */
  readonly events: TraceEvent[];
  /** Events forgotten because more than `limit` came. */
  readonly dropped: number;
  /** Ends the recording and keeps what it has. Idempotent. */
  stop(): void;
}

/**
 * Records what a tracer emits from now on, in a bounded buffer that keeps the newest events.
 * @throws RangeError when `limit` is not a positive safe integer
 */
export function recordTrace(tracer: Tracer, options: RecordOptions = {}): TraceRecording {
  const limit = options.limit ?? DEFAULT_LIMIT;
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new RangeError(`limit must be a positive safe integer, got ${String(limit)}`);
  }
  const ring: TraceEvent[] = [];
  let seen = 0;
  const stop = tracer.on((event) => {
    ring[seen % limit] = event;
    seen += 1;
  });
  return {
    get events() {
      const oldest = seen > limit ? seen % limit : 0;
      return [...ring.slice(oldest), ...ring.slice(0, oldest)];
    },
    get dropped() {
      return Math.max(0, seen - limit);
    },
    stop,
  };
}
