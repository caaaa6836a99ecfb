/** Median and quartiles of a sample. */
export interface Quartiles {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** Quartiles by linear interpolation between the nearest ranks. */
export function quartiles(values: readonly number[]): Quartiles {
  const sorted = Float64Array.from(values).sort();
  return { low: quantile(sorted, 0.25), median: quantile(sorted, 0.5), high: quantile(sorted, 0.75) };
}

/** The median of a sample. */
export function median(values: readonly number[]): number {
  return quartiles(values).median;
}

function quantile(sorted: Float64Array, share: number): number {
  const at = (sorted.length - 1) * share;
  const below = Math.floor(at);
  const low = sorted[below] ?? NaN;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? NaN;
  return low + (high - low) * (at - below);
}
