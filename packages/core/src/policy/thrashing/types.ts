import type { Place } from '../placement/index.js';

/** What to do with a page that goes to and fro. `pin`: keep it at `place`, and let others use it from afar or have copies. `throttle`: let `place` have it to itself until `until`. */
export interface ThrashingHint {
  readonly kind: 'none' | 'pin' | 'throttle';
  /** Where the page stays; meaningless for `none`. */
  readonly place: Place;
  /** Until when, in microseconds; 0 for `none`. */
  readonly until: number;
}

/** Finds out which pages go to and fro between processors. Time comes with each call, in microseconds. */
export interface ThrashingPolicy {
  /** The name under which the policy is chosen. */
  readonly name: string;
  /** Notes that a page moved to a processor, or that its rights there were revoked for another. Evictions are no such events. */
  note(page: number, place: Place, now: number): void;
  /**
   * What to do with a page that a processor wants; may count as having been followed. The hint is reused. Core does not ask: it goes by {@link isThrashing}. For
   * simulations, and whoever can use pages from afar or make processors wait.
   */
  hint(page: number, place: Place, now: number): ThrashingHint;
  /** Whether a page goes to and fro; changes nothing. */
  isThrashing(page: number, now: number): boolean;
}

/** Makes a policy. */
export type ThrashingFactory = () => ThrashingPolicy;
