import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildBvh, LEAF_TRIANGLES, MAX_DEPTH, type Bvh } from '../src/raytracer/bvh.js';
import { buildScene } from '../src/raytracer/scene.js';

/** Walks the tree, checks that boxes hold what is below them, and returns how often each triangle was met, and the depth. */
function walk(bvh: Bvh, corners: Float32Array): { met: Uint32Array; depth: number } {
  const met = new Uint32Array(corners.length / 9);
  let deepest = 0;
  const visit = (reference: number, boxes: number[], depth: number): void => {
    deepest = Math.max(deepest, depth);
    if (reference >= 0) {
      visit(bvh.children[reference * 2]!, [...boxes, reference * 12], depth + 1);
      visit(bvh.children[reference * 2 + 1]!, [...boxes, reference * 12 + 6], depth + 1);
      return;
    }
    const count = bvh.leafCount[~reference]!;
    if (count < 1 || count > LEAF_TRIANGLES) throw new Error(`a leaf of ${count} triangles`);
    for (let i = 0; i < count; i += 1) {
      const triangle = bvh.order[bvh.leafFirst[~reference]! + i]!;
      met[triangle]! += 1;
      for (const box of boxes) expectInside(bvh.boxes.subarray(box, box + 6), corners.subarray(triangle * 9));
    }
  };
  visit(bvh.root, [], 1);
  return { met, depth: deepest };
}

function expectInside(box: Float32Array, corners: Float32Array): void {
  for (let i = 0; i < 9; i += 1) {
    const value = corners[i]!;
    if (value < box[i % 3]! || value > box[(i % 3) + 3]!)
      throw new Error(`${value} is outside the box ${box.join(' ')}`);
  }
}

function expectSound(corners: Float32Array): void {
  const bvh = buildBvh(corners);
  const { met, depth } = walk(bvh, corners);
  expect(met.every((times) => times === 1)).toBe(true);
  expect(depth).toBeLessThanOrEqual(MAX_DEPTH);
  expect(bvh.leaves).toBe(bvh.nodes + 1);
}

describe('buildBvh', () => {
  it('reaches every triangle of the scene once, inside every box on the way', () => {
    expectSound(buildScene({ seed: 3, subdivisions: 0, rows: 2 }).corners);
  });

  it('does so for any triangles', () => {
    const corner = fc.float({ min: -100, max: 100, noNaN: true });
    const soup = fc.array(fc.array(corner, { minLength: 9, maxLength: 9 }), { minLength: 1, maxLength: 60 });
    fc.assert(fc.property(soup, (triangles) => expectSound(Float32Array.from(triangles.flat()))));
  });

  it('halves what no plane can part: equal triangles', () => {
    expectSound(new Float32Array(9 * 1000).fill(7));
  });

  it('stays shallow enough for a traversal stack where every cut takes off one triangle', () => {
    const corners = new Float32Array(9 * 180);
    for (let i = 0; i < 180; i += 1) {
      for (let corner = 0; corner < 3; corner += 1)
        corners[i * 9 + corner * 3 + (i % 3)] = 16 ** (Math.floor(i / 3) - 30);
    }
    expectSound(corners);
  });

  it('makes a lone leaf the root', () => {
    const bvh = buildBvh(new Float32Array(9));
    expect([bvh.root, bvh.nodes, bvh.leaves]).toEqual([-1, 0, 1]);
  });

  it('refuses no triangles at all', () => {
    expect(() => buildBvh(new Float32Array(0))).toThrow(RangeError);
  });
});
