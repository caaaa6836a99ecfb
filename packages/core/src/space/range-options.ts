/** Options of operations on a range that may take long. */
export interface RangeOptions {
  /** Ends the operation with `ABORTED` between two steps; what was done stays. */
  readonly signal?: AbortSignal;
  /** Told after each step how many pages of how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
}
