import { checkSignal } from './abort.js';

/** Options of operations on a range that may take long. */
export interface RangeOptions {
  /** Ends the operation with `ABORTED` between two steps; what was done stays. */
  readonly signal?: AbortSignal;
  /** Told after each step how many pages of how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** @throws TypeError */
export function checkRangeOptions(options: RangeOptions): void {
  if (typeof options !== 'object' || options === null) throw new TypeError('options must be an object');
  checkSignal(options.signal);
  if (options.onProgress !== undefined && typeof options.onProgress !== 'function')
    throw new TypeError('onProgress must be a function');
}
