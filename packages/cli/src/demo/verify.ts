/** How two pictures compare. */
export interface Comparison {
  readonly equal: boolean;
  /** Pixels that differ. */
  readonly different: number;
  /** The first of them, if any, counted from the top left. */
  readonly first?: number;
}

/** Compares two pictures bit for bit. Rows of `actual` are `pitch` pixels apart, those of `expected` `width`. */
export function comparePictures(actual: Uint32Array, pitch: number, expected: Uint32Array, width: number): Comparison {
  let different = 0;
  let first: number | undefined;
  for (let i = 0; i < expected.length; i += 1) {
    if (actual[Math.floor(i / width) * pitch + (i % width)] === expected[i]) continue;
    different += 1;
    first ??= i;
  }
  return first === undefined ? { equal: true, different } : { equal: false, different, first };
}
