/** Median and quartiles of a sample. */
export interface Quartiles {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** Quartiles of a list that is not empty, by linear interpolation between the nearest ranks. */
export function quartilesOf(values: readonly number[]): Quartiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => {
    const rank = (sorted.length - 1) * share;
    const low = sorted[Math.floor(rank)]!;
    return low + (sorted[Math.ceil(rank)]! - low) * (rank % 1);
  };
  return { low: at(0.25), median: at(0.5), high: at(0.75) };
}

/** The arithmetic mean of a list that is not empty. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
