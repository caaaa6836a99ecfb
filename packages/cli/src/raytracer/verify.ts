/** How far two pictures may be apart and still be the same. */
export interface Tolerance {
  /** Steps of 255 by which a channel may differ in any number of pixels. */
  readonly steps: number;
  /** Share of the pixels that may differ by more. */
  readonly share: number;
}

/** Bit for bit: for renderers with the same arithmetic. */
export const EXACT: Tolerance = { steps: 0, share: 0 };

/**
 * For a renderer in 32-bit floats beside one in 64-bit ones. Rounding moves a colour by a step at most; but where an edge, of a
 * bunny or of a shadow, passes so close to a ray that rounding decides on which side, that ray sees something else altogether.
 * Measured on a software adapter: 1 to 2 pixels in 100,000; GPUs round more freely.
 */
export const ROUNDING: Tolerance = { steps: 2, share: 0.0002 };

/** How two pictures compare. */
export interface Comparison {
  readonly equal: boolean;
  /** Pixels that differ. */
  readonly different: number;
  /** Pixels that differ by more than the tolerance's steps. */
  readonly beyond: number;
  /** Pixels that may. */
  readonly allowed: number;
  /** Steps of 255 by which the channels of a pixel differ at most. */
  readonly largest: number;
  /** The first pixel beyond, if any, counted from the top left. */
  readonly first?: number;
}

/** Compares two pictures of four bytes a pixel. Rows of `actual` are `pitch` pixels apart, those of `expected` `width`. */
export function comparePictures(
  actual: Uint32Array,
  pitch: number,
  expected: Uint32Array,
  width: number,
  tolerance: Tolerance = EXACT,
): Comparison {
  let [different, beyond, largest] = [0, 0, 0];
  let first: number | undefined;
  for (let i = 0; i < expected.length; i += 1) {
    const steps = distance(actual[Math.floor(i / width) * pitch + (i % width)]!, expected[i]!);
    if (steps === 0) continue;
    different += 1;
    largest = Math.max(largest, steps);
    if (steps <= tolerance.steps) continue;
    beyond += 1;
    first ??= i;
  }
  const allowed = Math.floor(tolerance.share * expected.length);
  return { equal: beyond <= allowed, different, beyond, allowed, largest, ...(first !== undefined && { first }) };
}

/** The most that a channel differs by. */
function distance(a: number, b: number): number {
  if (a === b) return 0;
  const channel = (shift: number): number => Math.abs(((a >>> shift) & 0xff) - ((b >>> shift) & 0xff));
  return Math.max(channel(0), channel(8), channel(16), channel(24));
}
