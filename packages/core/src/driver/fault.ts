/** Faults as parallel arrays: entry `i` is `pages[i]`, `access[i]`, … for `i < count`. Reused between drains. */
export interface FaultBatch {
  /** Entries that the last drain filled, 0 to `capacity`. */
  count: number;
  /** Entries that the arrays can hold. */
  readonly capacity: number;
  /** The MMU that could not translate. */
  readonly mmus: Uint16Array;
  /** Page numbers in units of that MMU's fault granularity, {@link DeviceMmu.faultPageSize}. */
  readonly pages: Float64Array;
  /** `FAULT_*` codes. */
  readonly access: Uint8Array;
  /** The queue that stalled. */
  readonly queues: Uint16Array;
}

/** Makes an empty batch of `capacity` entries. */
export function createFaultBatch(capacity: number): FaultBatch {
  return {
    count: 0,
    capacity,
    mmus: new Uint16Array(capacity),
    pages: new Float64Array(capacity),
    access: new Uint8Array(capacity),
    queues: new Uint16Array(capacity),
  };
}

/**
 * A device's bounded fault buffer. A faulting access stalls and is reported here; `replayFaults` lets it try again,
 * `cancelFaults` fails it. When the buffer is full, a fault is dropped: its access stays stalled and reports again on replay.
 */
export interface FaultSource {
  /** Entries the buffer can hold. */
  readonly capacity: number;
  /** Entries waiting to be drained. */
  readonly pending: number;
  /** Faults dropped because the buffer was full, since the device was opened. */
  readonly dropped: number;
  /** Work units and access commands finished since the device was opened: the heartbeat by which waits see progress. */
  readonly retired: number;
  /** Work units and access commands stalled now, those with dropped faults included. */
  readonly stalled: number;
  /** Moves up to `batch.capacity` oldest entries into `batch`, sets `batch.count` and returns it. Synchronous. */
  drain(batch: FaultBatch): number;
  /** Sets the one listener, called (synchronously, never from inside `drain`) whenever a stall needs service. `null` removes it. */
  listen(listener: (() => void) | null): void;
}
