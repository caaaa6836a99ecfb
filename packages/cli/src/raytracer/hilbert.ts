/**
 * All (x, y) with 0 ≤ x < `columns` and 0 ≤ y < `rows`, along a Hilbert curve: neighbours in the list are close in the plane.
 * Source: D. Hilbert, "Über die stetige Abbildung einer Linie auf ein Flächenstück", 1891.
 */
export function* hilbert(columns: number, rows: number): Generator<[x: number, y: number]> {
  let side = 1;
  while (side < columns || side < rows) side *= 2;
  for (let step = 0; step < side * side; step += 1) {
    let [x, y] = [0, 0];
    for (let size = 1, rest = step; size < side; size *= 2, rest = Math.floor(rest / 4)) {
      const right = (rest >> 1) & 1;
      const down = (rest ^ right) & 1;
      if (down === 0) {
        if (right === 1) [x, y] = [size - 1 - x, size - 1 - y];
        [x, y] = [y, x];
      }
      x += size * right;
      y += size * down;
    }
    if (x < columns && y < rows) yield [x, y];
  }
}
