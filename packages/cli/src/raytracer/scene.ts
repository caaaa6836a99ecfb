import { stanfordBunny, vertexNormals, type Mesh } from './mesh.js';
import { randomFrom } from './random.js';
import { subdivide } from './subdivide.js';

/** Triangles without sharing: nine numbers each for corners and their normals, and a colour (`0xbbggrr`). */
export interface Triangles {
  readonly count: number;
  readonly corners: Float32Array;
  readonly normals: Float32Array;
  readonly colours: Uint32Array;
}

/** Where one bunny stands: on the ground at (`x`, `z`), turned by `turn` radians about the vertical, `size` high. */
export interface Placement {
  readonly x: number;
  readonly z: number;
  readonly turn: number;
  readonly size: number;
  readonly colour: number;
}

/** What the scene is made of. */
export interface SceneOptions {
  readonly seed: number;
  /** Times every triangle of the mesh is split in four. Default 1. */
  readonly subdivisions?: number;
  /** Rows of bunnies, from the camera to the back; row r has r + 2 of them. Default 4, which makes 14 bunnies. */
  readonly rows?: number;
}

const PALETTE = [0xe9eef2, 0x5b7fd6, 0x6fb7ea, 0x8fbf9a, 0xb59a6a, 0xa887c4, 0xcfd8a0];

/** Bakes every bunny of the scene into triangles of its own: nothing is shared between them, so each takes its full room. */
export function buildScene(options: SceneOptions): Triangles {
  let mesh = stanfordBunny();
  for (let i = 0; i < (options.subdivisions ?? 1); i += 1) mesh = subdivide(mesh);
  return bake(mesh, placeBunnies(options.rows ?? 4, options.seed));
}

/** Sets bunnies in rows that widen away from the camera, each turned, scaled, shifted and coloured by chance. */
export function placeBunnies(rows: number, seed: number): Placement[] {
  const random = randomFrom(seed);
  const placements: Placement[] = [];
  for (let row = 0; row < rows; row += 1) {
    for (let i = 0; i < row + 2; i += 1) {
      placements.push({
        x: (i - (row + 1) / 2) * 1.25 + (random() - 0.5) * 0.25,
        z: -row * 1.3 + (random() - 0.5) * 0.3,
        turn: (random() - 0.5) * 2.4,
        size: 0.85 + random() * 0.3,
        colour: PALETTE[(placements.length * 3 + Math.floor(random() * 2)) % PALETTE.length]!,
      });
    }
  }
  return placements;
}

/** Writes a transformed copy of `mesh` for every placement. */
export function bake(mesh: Mesh, placements: readonly Placement[]): Triangles {
  const meshNormals = vertexNormals(mesh);
  const perMesh = mesh.cells.length / 3;
  const count = perMesh * placements.length;
  const corners = new Float32Array(count * 9);
  const normals = new Float32Array(count * 9);
  const colours = new Uint32Array(count);
  placements.forEach(({ x, z, turn, size, colour }, which) => {
    const cos = Math.cos(turn);
    const sin = Math.sin(turn);
    colours.fill(colour, which * perMesh, (which + 1) * perMesh);
    mesh.cells.forEach((vertex, i) => {
      const from = vertex * 3;
      const to = (which * mesh.cells.length + i) * 3;
      const [px, py, pz] = [mesh.positions[from]!, mesh.positions[from + 1]!, mesh.positions[from + 2]!];
      corners[to] = x + size * (cos * px + sin * pz);
      corners[to + 1] = size * py;
      corners[to + 2] = z + size * (cos * pz - sin * px);
      const [nx, ny, nz] = [meshNormals[from]!, meshNormals[from + 1]!, meshNormals[from + 2]!];
      normals[to] = cos * nx + sin * nz;
      normals[to + 1] = ny;
      normals[to + 2] = cos * nz - sin * nx;
    });
  });
  return { count, corners, normals, colours };
}
