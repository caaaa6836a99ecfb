import { seeded } from '../rfc/random.js';
import { compare, type Recordable } from './gpu.js';

const SPHERES = 320_000;
const SIDE = 96;
const BLOCK = 32;
/** Words of a node: the box, and either its right child (the left one follows it) and -1, or 0 and its sphere. */
const NODE = 8;
/** Rays a launch. */
const BATCH = 3072;

interface Ray {
  readonly origin: readonly [number, number, number];
  readonly direction: readonly [number, number, number];
}

/** Rays through a hierarchy of boxes round spheres: those of a camera, and as many from anywhere to anywhere, as bounced ones go. */
export const bvh: Recordable = {
  name: 'bvh',
  about: 'rays of a camera, and scattered ones, through a hierarchy of bounding boxes round 320,000 spheres',
  async run(gpu) {
    const random = seeded(19);
    const spheres = new Float32Array(4 * SPHERES);
    for (let i = 0; i < SPHERES; i++)
      spheres.set([random() * 100, random() * 100, random() * 100, 0.1 + random() * 0.4], 4 * i);
    const rays: Ray[] = Array.from({ length: SIDE * SIDE }, (_, i) => ({
      origin: [50, 50, -50],
      direction: [((i % SIDE) / SIDE - 0.5) * 1.5, (Math.floor(i / SIDE) / SIDE - 0.5) * 1.5, 1],
    }));
    const scattered: Ray[] = rays.map(() => ({
      origin: [random() * 100, random() * 100, random() * 100],
      direction: [random() - 0.5, random() - 0.5, random() - 0.5],
    }));
    const all = [...rays, ...scattered];
    const nodes = await gpu.input(build(spheres));
    const objects = await gpu.input(spheres);
    const lines = await gpu.input(Float32Array.from(all.flatMap(({ origin, direction }) => [...origin, ...direction])));
    const hits = await gpu.inout(new Uint32Array(all.length));
    const [N, S, R] = [nodes.address, objects.address, lines.address];
    for (let from = 0; from < all.length; from += BATCH) {
      await gpu.launch(BATCH / BLOCK, (ctx, block) => {
        const ray = new Float64Array(6);
        for (let i = from + block * BLOCK; i < from + (block + 1) * BLOCK; i++) {
          for (let k = 0; k < 6; k++) ray[k] = ctx.loadF32(R + 4 * (6 * i + k));
          let nearest = Infinity;
          let hit = 0;
          const stack = [0];
          while (stack.length > 0) {
            const node = stack.pop()!;
            const at = N + 4 * NODE * node;
            let [enter, leave] = [0, nearest];
            for (let k = 0; k < 3; k++) {
              const a = (ctx.loadF32(at + 4 * k) - ray[k]!) / ray[3 + k]!;
              const b = (ctx.loadF32(at + 4 * (3 + k)) - ray[k]!) / ray[3 + k]!;
              enter = Math.max(enter, Math.min(a, b));
              leave = Math.min(leave, Math.max(a, b));
            }
            if (enter > leave) continue;
            const sphere = ctx.loadI32(at + 28);
            if (sphere < 0) {
              stack.push(ctx.load32(at + 24), node + 1);
              continue;
            }
            const distance = reach(ray, (k) => ctx.loadF32(S + 4 * (4 * sphere + k)));
            if (distance < nearest) [nearest, hit] = [distance, sphere + 1];
          }
          ctx.store32(hits.address + 4 * i, hit);
        }
      });
    }
    return async () => {
      // Every ray against every sphere takes long: some rays are enough.
      const found = await gpu.read(hits);
      const tried = Uint32Array.from({ length: 128 }, (_, i) => (i * 257) % all.length);
      const expected = tried.map((i) => {
        const ray = Float64Array.from(Float32Array.from([...all[i]!.origin, ...all[i]!.direction]));
        let [nearest, hit] = [Infinity, 0];
        for (let s = 0; s < SPHERES; s++) {
          const distance = reach(ray, (k) => spheres[4 * s + k]!);
          if (distance < nearest) [nearest, hit] = [distance, s + 1];
        }
        return hit;
      });
      compare(
        'hit',
        tried.map((i) => found[i]!),
        expected,
      );
    };
  },
};

/** How far along a ray it meets a sphere from outside; Infinity where it does not. */
function reach(ray: Float64Array, sphere: (k: number) => number): number {
  let [a, b, c] = [0, 0, -(sphere(3) ** 2)];
  for (let k = 0; k < 3; k++) {
    const offset = ray[k]! - sphere(k);
    a += ray[3 + k]! ** 2;
    b += offset * ray[3 + k]!;
    c += offset * offset;
  }
  const root = b * b - a * c;
  if (root < 0) return Infinity;
  const distance = (-b - Math.sqrt(root)) / a;
  return distance > 0 ? distance : Infinity;
}

/** Nodes in depth-first order, split at the median of the longest axis. */
function build(spheres: Float32Array): Float32Array {
  const nodes = new Float32Array((2 * SPHERES - 1) * NODE);
  const words = new Int32Array(nodes.buffer);
  const order = Uint32Array.from({ length: SPHERES }, (_, i) => i);
  let count = 0;
  const place = (from: number, to: number) => {
    const at = NODE * count++;
    const box = boxOf(spheres, order, from, to);
    nodes.set(box, at);
    words[at + 7] = to - from === 1 ? order[from]! : -1;
    if (to - from === 1) return;
    const sizes = [box[3]! - box[0]!, box[4]! - box[1]!, box[5]! - box[2]!];
    const axis = sizes.indexOf(Math.max(...sizes));
    order.subarray(from, to).sort((a, b) => spheres[4 * a + axis]! - spheres[4 * b + axis]!);
    const middle = (from + to) >>> 1;
    place(from, middle);
    words[at + 6] = count;
    place(middle, to);
  };
  place(0, SPHERES);
  return nodes;
}

function boxOf(spheres: Float32Array, order: Uint32Array, from: number, to: number): number[] {
  const box = [Infinity, Infinity, Infinity, -Infinity, -Infinity, -Infinity];
  for (let i = from; i < to; i++) {
    for (let k = 0; k < 3; k++) {
      const [centre, radius] = [spheres[4 * order[i]! + k]!, spheres[4 * order[i]! + 3]! * 1.001];
      box[k] = Math.min(box[k]!, centre - radius);
      box[3 + k] = Math.max(box[3 + k]!, centre + radius);
    }
  }
  return box;
}
