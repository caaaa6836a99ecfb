/** A generator of 32-bit numbers with a seed (mulberry32): the same seed gives the same run. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** The numbers 0 … count - 1 in random order. */
export function permutation(count: number, seed: number): Uint32Array {
  const random = randomFrom(seed);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random() % (i + 1);
    const swapped = order[i]!;
    order[i] = order[j]!;
    order[j] = swapped;
  }
  return order;
}

/** `count` numbers in 0 … below - 1, all equally likely. */
export function uniform(count: number, below: number, seed: number): Uint32Array {
  const random = randomFrom(seed);
  return Uint32Array.from({ length: count }, () => Math.floor((random() / 2 ** 32) * below));
}

/**
 * `count` numbers in 0 … below - 1 by Zipf's law: the k-th most popular with a likelihood in proportion to 1 / k ** skew.
 * Which number is how popular is random. Drawn by inversion of the exact distribution.
 */
export function zipf(count: number, below: number, skew: number, seed: number): Uint32Array {
  const total = new Float64Array(below);
  let sum = 0;
  for (let k = 0; k < below; k++) total[k] = sum += (k + 1) ** -skew;
  const random = randomFrom(seed);
  const names = permutation(below, seed + 1);
  return Uint32Array.from({ length: count }, () => names[rankOf(total, (random() / 2 ** 32) * sum)]!);
}

/** The first index whose running total is above `value`. */
function rankOf(total: Float64Array, value: number): number {
  let low = 0;
  let high = total.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (total[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
