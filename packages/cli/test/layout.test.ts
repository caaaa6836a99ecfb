import { describe, expect, it } from 'vitest';
import * as cell from '../src/raytracer/cell.js';
import { addOctahedral, encodeOctahedral } from '../src/raytracer/octahedral.js';
import { addressOf } from '../src/raytracer/traverse.js';
import { BASE, CAMERA, PIXELS, scatteredTriangles, sceneMemory } from './scene-memory.js';

describe('the scene in memory', () => {
  it('leads from the header through addresses alone to every triangle, each cell used once', () => {
    const triangles = scatteredTriangles(3000);
    const { memory, layout, bvh } = sceneMemory(triangles);
    const used = new Set<number>();
    const colours: number[] = [];
    const claim = (address: number): void => {
      expect(address % cell.CELL).toBe(0);
      expect(address).toBeGreaterThanOrEqual(BASE + cell.HEADER_CELLS * cell.CELL);
      expect(address).toBeLessThan(BASE + layout.bytes);
      expect(used.has(address)).toBe(false);
      used.add(address);
    };
    const visit = (at: number): void => {
      const low = memory.load32(at);
      const address = addressOf(low, memory.load32(at + 4));
      const count = low & cell.TAG_MASK;
      for (let i = 0; i < count; i += 1) {
        claim(address + i * cell.CELL);
        colours.push(memory.load32(address + i * cell.CELL + cell.TRIANGLE_COLOUR));
      }
      if (count > 0) return;
      claim(address);
      visit(address + cell.NODE_CHILDREN);
      visit(address + cell.NODE_CHILDREN + 8);
    };
    visit(BASE + cell.HEADER_ROOT);
    expect(colours.sort((a, b) => a - b)).toEqual([...triangles.colours]);
    expect(used.size).toBe(layout.cells - cell.HEADER_CELLS);
    expect(used.size).toBe(bvh.nodes + triangles.count);
  });

  it('keeps the header as it was given', () => {
    const { memory, pitch } = sceneMemory(scatteredTriangles(1), 20, 10);
    const [low, high] = [0, 4].map((i) => memory.load32(BASE + cell.HEADER_PIXELS + i));
    expect(addressOf(low!, high!)).toBe(PIXELS);
    expect(memory.load32(BASE + cell.HEADER_SIZE)).toBe(20);
    expect(memory.load32(BASE + cell.HEADER_SIZE + 4)).toBe(10);
    expect(memory.load32(BASE + cell.HEADER_PITCH)).toBe(pitch);
    const camera = Array.from({ length: 12 }, (_, i) => memory.loadF32(BASE + cell.HEADER_CAMERA + i * 4));
    const { eye, right, up, forward } = CAMERA;
    expect(camera).toEqual([...eye, ...right, ...up, ...forward].map(Math.fround));
  });

  it('puts a subtree that fits into a page in one piece', () => {
    const { layout, bvh } = sceneMemory(scatteredTriangles(3000));
    // A node's leaf children belong to a subtree of at most nine cells.
    for (let node = 0; node < bvh.nodes; node += 1) {
      for (const child of [bvh.children[node * 2]!, bvh.children[node * 2 + 1]!]) {
        const sibling = bvh.children[node * 2]! + bvh.children[node * 2 + 1]! - child;
        if (child >= 0 || sibling >= 0) continue;
        expect(layout.leafCell[~child]! - layout.nodeCell[node]!).toBeLessThanOrEqual(9);
      }
    }
  });
});

describe('octahedral normals', () => {
  it.each([
    [1, 0, 0],
    [0, -1, 0],
    [0, 0, 1],
    [0, 0, -1],
    [0.6, 0, -0.8],
    [-0.48, 0.64, 0.6],
    [-0.48, -0.64, -0.6],
  ])('bring back (%f, %f, %f)', (x, y, z) => {
    const packed = new Float32Array(2);
    const sum = new Float64Array(3);
    encodeOctahedral(Float32Array.of(x, y, z), 0, packed, 0);
    addOctahedral(packed[0]!, packed[1]!, 2, sum);
    [x, y, z].forEach((value, k) => expect(sum[k]).toBeCloseTo(value * 2, 6));
  });
});
