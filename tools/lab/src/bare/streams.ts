import { seeded, shuffled } from '../rfc/random.js';

/** The pages 0 … `pages - 1`, once. */
export function scan(pages: number): Uint32Array {
  return Uint32Array.from({ length: pages }, (_, i) => i);
}

/** The pages 0 … `pages - 1`, over and over again. */
export function cycle(pages: number, rounds: number): Uint32Array {
  return Uint32Array.from({ length: pages * rounds }, (_, i) => i % pages);
}

/** Two working sets of `pages` pages each, the second after the first, each accessed at random `accesses` times. */
export function twoPhases(pages: number, accesses: number, seed: number): Uint32Array {
  const random = seeded(seed);
  return Uint32Array.from(
    { length: 2 * accesses },
    (_, i) => Math.floor(random() * pages) + (i < accesses ? 0 : pages),
  );
}

/**
 * `count` accesses to pages 0 … `pages - 1` by Zipf's law: the k-th most popular with a likelihood in proportion to 1 / k ** skew, drawn by inversion of
 * the exact distribution. Which page is how popular is random.
 */
export function zipf(count: number, pages: number, skew: number, seed: number): Uint32Array {
  const totals = new Float64Array(pages);
  let sum = 0;
  for (let k = 0; k < pages; k++) totals[k] = sum += (k + 1) ** -skew;
  const random = seeded(seed);
  const names = Uint32Array.from(
    shuffled(
      Array.from({ length: pages }, (_, i) => i),
      seeded(seed + 1),
    ),
  );
  const stream = new Uint32Array(count);
  for (let i = 0; i < count; i++) stream[i] = names[rankOf(totals, random() * sum)]!;
  return stream;
}

/** The first index whose running total is above `value`. */
function rankOf(totals: Float64Array, value: number): number {
  let low = 0;
  let high = totals.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (totals[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
