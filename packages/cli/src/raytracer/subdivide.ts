import type { Mesh } from './mesh.js';

/** Stands where an edge of the border has no second triangle. */
const NONE = 0xffffffff;

/** The edges of a mesh, numbered in the order in which its triangles name them. */
interface Edges {
  readonly count: number;
  /** Two numbers an edge: the vertices at its ends. */
  readonly ends: Uint32Array;
  /** Two numbers an edge: the vertices opposite it in its triangles, the second {@link NONE} on the border. */
  readonly opposite: Uint32Array;
  /** Three numbers a triangle: the edges from its corner 0 to 1, 1 to 2, 2 to 0. */
  readonly ofCell: Uint32Array;
}

/**
 * One step of Loop's subdivision: every triangle becomes four, and the surface smoother. Borders follow the cubic B-spline rule.
 * @throws RangeError when more than two triangles share an edge
 * Source: C. Loop, "Smooth Subdivision Surfaces Based on Triangles", University of Utah, 1987, with J. Warren's simpler weights.
 */
export function subdivide(mesh: Mesh): Mesh {
  const { positions, cells } = mesh;
  const vertices = positions.length / 3;
  const edges = edgesOf(cells);
  const out = new Float64Array((vertices + edges.count) * 3);
  placeVertices(positions, edges, out);
  placeEdges(positions, edges, out.subarray(vertices * 3));
  return { positions: out, cells: split(cells, edges, vertices) };
}

function edgesOf(cells: Uint32Array): Edges {
  const numbers = new Map<number, number>();
  const ends = new Uint32Array(cells.length * 2);
  const opposite = new Uint32Array(cells.length * 2).fill(NONE);
  const ofCell = new Uint32Array(cells.length);
  for (let i = 0; i < cells.length; i += 1) {
    const cell = i - (i % 3);
    const from = cells[i]!;
    const to = cells[cell + ((i + 1) % 3)]!;
    const across = cells[cell + ((i + 2) % 3)]!;
    const key = Math.min(from, to) * 2 ** 26 + Math.max(from, to);
    const known = numbers.get(key);
    const edge = known ?? numbers.size;
    ofCell[i] = edge;
    if (known === undefined) {
      numbers.set(key, edge);
      ends.set([from, to], edge * 2);
      opposite[edge * 2] = across;
    } else if (opposite[edge * 2 + 1] === NONE) {
      opposite[edge * 2 + 1] = across;
    } else {
      throw new RangeError(`more than two triangles share the edge between the vertices ${from} and ${to}`);
    }
  }
  return { count: numbers.size, ends, opposite, ofCell };
}

/** Old vertices move towards the mean of their neighbours; on the border only border neighbours count. */
function placeVertices(positions: Float64Array, { count, ends, opposite }: Edges, out: Float64Array): void {
  const vertices = positions.length / 3;
  const onBorder = new Uint8Array(vertices);
  for (let edge = 0; edge < count; edge += 1) {
    if (opposite[edge * 2 + 1] !== NONE) continue;
    onBorder[ends[edge * 2]!] = 1;
    onBorder[ends[edge * 2 + 1]!] = 1;
  }
  const valence = new Uint32Array(vertices);
  const sums = new Float64Array(positions.length);
  const addNeighbour = (vertex: number, neighbour: number): void => {
    valence[vertex]! += 1;
    for (let k = 0; k < 3; k += 1) sums[vertex * 3 + k]! += positions[neighbour * 3 + k]!;
  };
  for (let edge = 0; edge < count; edge += 1) {
    const a = ends[edge * 2]!;
    const b = ends[edge * 2 + 1]!;
    const isBorder = opposite[edge * 2 + 1] === NONE;
    if (isBorder || onBorder[a] === 0) addNeighbour(a, b);
    if (isBorder || onBorder[b] === 0) addNeighbour(b, a);
  }
  for (let vertex = 0; vertex < vertices; vertex += 1) {
    const n = valence[vertex]!;
    const weight = onBorder[vertex] === 1 ? 1 / 8 : n === 3 ? 3 / 16 : 3 / (8 * Math.max(n, 1));
    for (let k = vertex * 3; k < vertex * 3 + 3; k += 1) {
      out[k] = (1 - n * weight) * positions[k]! + weight * sums[k]!;
    }
  }
}

/** A new vertex in the middle of every edge, drawn towards the corners opposite it. */
function placeEdges(positions: Float64Array, { count, ends, opposite }: Edges, out: Float64Array): void {
  for (let edge = 0; edge < count; edge += 1) {
    const a = ends[edge * 2]! * 3;
    const b = ends[edge * 2 + 1]! * 3;
    const left = opposite[edge * 2]! * 3;
    const isBorder = opposite[edge * 2 + 1] === NONE;
    const right = isBorder ? left : opposite[edge * 2 + 1]! * 3;
    for (let k = 0; k < 3; k += 1) {
      const middle = positions[a + k]! + positions[b + k]!;
      out[edge * 3 + k] = isBorder ? middle / 2 : (3 * middle + positions[left + k]! + positions[right + k]!) / 8;
    }
  }
}

function split(cells: Uint32Array, { ofCell }: Edges, vertices: number): Uint32Array {
  const out = new Uint32Array(cells.length * 4);
  for (let cell = 0; cell < cells.length; cell += 3) {
    const [a, b, c] = [cells[cell]!, cells[cell + 1]!, cells[cell + 2]!];
    const ab = vertices + ofCell[cell]!;
    const bc = vertices + ofCell[cell + 1]!;
    const ca = vertices + ofCell[cell + 2]!;
    out.set([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], cell * 4);
  }
  return out;
}
