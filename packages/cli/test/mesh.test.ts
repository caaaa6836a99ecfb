import { describe, expect, it } from 'vitest';
import { stanfordBunny, standOnGround, vertexNormals, type Mesh } from '../src/raytracer/mesh.js';
import { subdivide } from '../src/raytracer/subdivide.js';

const triangle: Mesh = { positions: Float64Array.of(0, 0, 0, 4, 0, 0, 0, 4, 0), cells: Uint32Array.of(0, 1, 2) };
const tetrahedron: Mesh = {
  positions: Float64Array.of(1, 1, 1, 1, -1, -1, -1, 1, -1, -1, -1, 1),
  cells: Uint32Array.of(0, 1, 2, 0, 3, 1, 0, 2, 3, 1, 3, 2),
};

/** Directed edges that have no partner in the other direction, and those that occur more than once. */
function irregularEdges({ cells }: Mesh): number {
  const seen = new Map<string, number>();
  cells.forEach((from, i) => {
    const key = `${from}>${cells[i - (i % 3) + ((i + 1) % 3)]!}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  });
  return [...seen].filter(([key, count]) => count !== 1 || !seen.has(key.split('>').reverse().join('>'))).length;
}

function eulerCharacteristic({ positions, cells }: Mesh): number {
  return positions.length / 3 - cells.length / 2 + cells.length / 3;
}

describe('the bunny', () => {
  const bunny = stanfordBunny();

  it('is a closed surface of thousands of triangles without handles', () => {
    expect(bunny.cells.length / 3).toBeGreaterThan(3000);
    expect(irregularEdges(bunny)).toBe(0);
    expect(eulerCharacteristic(bunny)).toBe(2);
  });

  it('stands on the ground, one high', () => {
    const heights = bunny.positions.filter((_, i) => i % 3 === 1);
    expect(Math.min(...heights)).toBe(0);
    expect(Math.max(...heights)).toBeCloseTo(1, 12);
  });

  it('has unit normals that point outwards', () => {
    const normals = vertexNormals(bunny);
    let volume = 0;
    for (let i = 0; i < normals.length; i += 3) {
      const [x, y, z] = [normals[i]!, normals[i + 1]!, normals[i + 2]!];
      expect(x * x + y * y + z * z).toBeCloseTo(1, 10);
      volume += x * bunny.positions[i]! + y * (bunny.positions[i + 1]! - 0.5) + z * bunny.positions[i + 2]!;
    }
    expect(volume).toBeGreaterThan(0);
  });
});

describe('standOnGround', () => {
  it('centres, lifts and scales', () => {
    const { positions } = standOnGround({ ...triangle, positions: Float64Array.of(2, 2, 5, 6, 2, 5, 2, 4, 9) });
    expect([...positions]).toEqual([-1, 0, -1, 1, 0, -1, -1, 1, 1]);
  });
});

describe('subdivide', () => {
  it('splits every triangle in four and keeps the surface closed', () => {
    const fine = subdivide(stanfordBunny());
    expect(fine.cells.length).toBe(stanfordBunny().cells.length * 4);
    expect(irregularEdges(fine)).toBe(0);
    expect(eulerCharacteristic(fine)).toBe(2);
  });

  it("follows Loop's weights inside: valence 3 keeps 7/16, an edge takes 3/8 of its ends and 1/8 of what is across", () => {
    const { positions } = subdivide(tetrahedron);
    // The other three vertices sum to minus this one: 7/16 - 3/16.
    expect([...positions.subarray(0, 3)]).toEqual([1 / 4, 1 / 4, 1 / 4]);
    // The edge of the first two: 3/8 (2, 0, 0) + 1/8 (-2, 0, 0).
    expect([...positions.subarray(12, 15)]).toEqual([1 / 2, 0, 0]);
  });

  it('follows the B-spline rule on borders', () => {
    const { positions, cells } = subdivide(triangle);
    expect([...positions.subarray(0, 3)]).toEqual([0.5, 0.5, 0]);
    expect([...positions.subarray(9, 12)]).toEqual([2, 0, 0]);
    expect(cells.length).toBe(12);
  });

  it('refuses an edge of three triangles', () => {
    const fan: Mesh = {
      positions: Float64Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, -1, 0),
      cells: Uint32Array.of(0, 1, 2, 1, 0, 3, 0, 1, 4),
    };
    expect(() => subdivide(fan)).toThrow(RangeError);
  });
});
