/** When invalidations that wait for a flush are sent without one. */
export interface FlushPolicy {
  /** The name under which the policy is chosen. */
  readonly name: string;
  /** Entries that may wait: when there are more, they are sent. `Infinity`: any number. */
  readonly entries: number;
  /** Microseconds that one may wait. `Infinity`: as long as nobody flushes. */
  readonly us: number;
}
