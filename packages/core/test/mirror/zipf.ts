/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Numbers below `count` by Zipf's law with exponent 1; which of them are frequent depends on the seed. */
export function zipf(seed: number, count: number): () => number {
  const next = random(seed);
  const order = Array.from({ length: count }, (_none, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const sums: number[] = [];
  for (let i = 0, sum = 0; i < count; i++) sums.push((sum += 1 / (i + 1)));
  return () => {
    const at = next() * sums[count - 1]!;
    return order[sums.findIndex((sum) => at < sum)]!;
  };
}
