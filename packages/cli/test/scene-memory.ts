import { buildBvh } from '../src/raytracer/bvh.js';
import type { Camera } from '../src/raytracer/camera.js';
import { layOut, writeScene } from '../src/raytracer/layout.js';
import { CpuMemory } from '../src/raytracer/reference.js';
import type { Triangles } from '../src/raytracer/scene.js';

/** Where the tests' scenes lie: above 2^46, so that a pointer cut to 32 or 40 bits leads astray. */
export const BASE = 2 ** 46 + 5 * 2 ** 32 + 0xfffff000;
/** Where their pictures lie. */
export const PIXELS = 2 ** 45;

export const CAMERA: Camera = { eye: [0, 1, 3], right: [0.5, 0, 0], up: [0, 0.375, 0], forward: [0, -0.2, -1] };

/** A scene in CPU memory, laid out as if it were the virtual memory at {@link BASE}. */
export function sceneMemory(triangles: Triangles, width = 8, height = 8) {
  const bvh = buildBvh(triangles.corners);
  const layout = layOut(bvh);
  const bytes = new Uint8Array(layout.bytes);
  const pitch = Math.ceil(width / 8) * 32;
  writeScene(bytes, BASE, layout, bvh, triangles, { pixels: PIXELS, width, height, pitch, camera: CAMERA });
  const pixels = new Uint32Array((pitch / 4) * height);
  const memory = new CpuMemory({ address: BASE, bytes }, { address: PIXELS, pixels });
  return { bvh, layout, bytes, pixels, pitch, memory };
}

/** Small triangles scattered by a fixed rule within the unit cube. */
export function scatteredTriangles(count: number): Triangles {
  const corners = new Float32Array(count * 9);
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
  for (let i = 0; i < count; i += 1) {
    const middle = [next(), next(), next()];
    for (let k = 0; k < 9; k += 1) corners[i * 9 + k] = middle[k % 3]! + (next() - 0.5) * 0.2;
  }
  const normals = new Float32Array(count * 9).map((_, i) => (i % 3 === 1 ? 1 : 0));
  return { count, corners, normals, colours: new Uint32Array(count).map((_, i) => i + 1) };
}
