/**
 * Writes the unit vector `vector[from..from+2]` as two numbers in [-1, 1] to `into[to..to+1]`.
 * Source: Q. Meyer et al., "On Floating-Point Normal Vectors", 2010.
 */
export function encodeOctahedral(vector: Float32Array, from: number, into: Float32Array, to: number): void {
  const [x, y, z] = [vector[from]!, vector[from + 1]!, vector[from + 2]!];
  const scale = 1 / (Math.abs(x) + Math.abs(y) + Math.abs(z));
  const [u, v] = [x * scale, y * scale];
  into[to] = z >= 0 ? u : (1 - Math.abs(v)) * (u >= 0 ? 1 : -1);
  into[to + 1] = z >= 0 ? v : (1 - Math.abs(u)) * (v >= 0 ? 1 : -1);
}

/** Adds `weight` times the vector that `(u, v)` stands for, not normalized, to `sum[0..2]`. */
export function addOctahedral(u: number, v: number, weight: number, sum: Float64Array): void {
  const z = 1 - Math.abs(u) - Math.abs(v);
  const x = z >= 0 ? u : (1 - Math.abs(v)) * (u >= 0 ? 1 : -1);
  const y = z >= 0 ? v : (1 - Math.abs(u)) * (v >= 0 ? 1 : -1);
  const scale = weight / Math.sqrt(x * x + y * y + z * z);
  sum[0]! += x * scale;
  sum[1]! += y * scale;
  sum[2]! += z * scale;
}
