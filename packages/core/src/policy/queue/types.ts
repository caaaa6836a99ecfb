/** What an update is: `flush` invalidations alone, `recall` pages called home or looked at, `fault` the service of faults. */
export type UpdateKind = 'flush' | 'recall' | 'fault';

/** A queue that an update may go to. */
export interface QueueChoice {
  /** Its id on the device. */
  readonly id: number;
  /** 0 low, 1 normal, 2 high; 1 everywhere on a device that does not claim `priorities`. */
  readonly priority: number;
  /** Whether it takes paging work only, and so never stalls on a fault. */
  readonly paging: boolean;
  /** Submissions in it that are not settled. Live. */
  readonly depth: number;
}

/** One update, as a queue policy sees it. */
export interface QueueRequest {
  /** What the update is. */
  readonly kind: UpdateKind;
  /** The queues it may go to, in the device's order: all of them for a flush, else the paging queues. */
  readonly queues: readonly QueueChoice[];
  /** Id of the queue that a launch of the mirrors last used; `undefined` before the first. */
  readonly user: number | undefined;
}

/**
 * Chooses a queue for an update: gives its index in `request.queues`. A pure function; the request is reused, so it must not be
 * kept. An answer that is no index counts as `paging`'s.
 */
export type QueuePolicy = (request: QueueRequest) => number;
