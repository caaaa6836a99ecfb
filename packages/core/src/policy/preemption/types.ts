import type { UpdateKind } from '../queue/types.js';

/** One update, as a preemption policy sees it. */
export interface PreemptionRequest {
  /** What the update is. */
  readonly kind: UpdateKind;
  /** Work units that may be in flight: those of unfinished launches, or all that the device holds where no launch is known of. */
  readonly residentUnits: number;
  /** Microseconds that a preemption costs for each of them. */
  readonly preemptionUs: number;
  /** Microseconds that such an update takes without preemption: a weighted mean of recent ones; 0 before the first. */
  readonly waitUs: number;
}

/** Says whether an update interrupts running work; a pure function. The request is reused, so it must not be kept. */
export type PreemptionPolicy = (request: PreemptionRequest) => boolean;
