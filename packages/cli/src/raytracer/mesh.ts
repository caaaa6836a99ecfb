import bunny from 'bunny';

/** An indexed triangle mesh: vertex `v` is `positions[3v..3v+2]`, triangle `t` the vertices `cells[3t..3t+2]`. */
export interface Mesh {
  readonly positions: Float64Array;
  readonly cells: Uint32Array;
}

/** The Stanford bunny, 1 high, its feet at y = 0 and its middle over the origin. */
export function stanfordBunny(): Mesh {
  return standOnGround({
    positions: Float64Array.from(bunny.positions.flat()),
    cells: Uint32Array.from(bunny.cells.flat()),
  });
}

/** A copy of `mesh` scaled to height 1, with the lowest vertex at y = 0 and its bounding box centred on the y axis. */
export function standOnGround(mesh: Mesh): Mesh {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  mesh.positions.forEach((value, i) => {
    low[i % 3] = Math.min(low[i % 3]!, value);
    high[i % 3] = Math.max(high[i % 3]!, value);
  });
  const origin = [(low[0]! + high[0]!) / 2, low[1]!, (low[2]! + high[2]!) / 2];
  const height = high[1]! - low[1]!;
  return { positions: mesh.positions.map((value, i) => (value - origin[i % 3]!) / height), cells: mesh.cells };
}

/** Unit normals a vertex, three numbers each: the mean of the adjacent triangles' normals weighted by their areas. */
export function vertexNormals({ positions, cells }: Mesh): Float64Array {
  const normals = new Float64Array(positions.length);
  for (let cell = 0; cell < cells.length; cell += 3) {
    const a = cells[cell]! * 3;
    const b = cells[cell + 1]! * 3;
    const c = cells[cell + 2]! * 3;
    const ux = positions[b]! - positions[a]!;
    const uy = positions[b + 1]! - positions[a + 1]!;
    const uz = positions[b + 2]! - positions[a + 2]!;
    const vx = positions[c]! - positions[a]!;
    const vy = positions[c + 1]! - positions[a + 1]!;
    const vz = positions[c + 2]! - positions[a + 2]!;
    for (const vertex of [a, b, c]) {
      normals[vertex]! += uy * vz - uz * vy;
      normals[vertex + 1]! += uz * vx - ux * vz;
      normals[vertex + 2]! += ux * vy - uy * vx;
    }
  }
  for (let i = 0; i < normals.length; i += 3) {
    const length = Math.sqrt(normals[i]! ** 2 + normals[i + 1]! ** 2 + normals[i + 2]! ** 2);
    // A vertex of no triangle, or of degenerate ones only, has no direction of its own.
    if (length === 0) normals[i + 1] = 1;
    else for (let k = i; k < i + 3; k += 1) normals[k]! /= length;
  }
  return normals;
}
