import { seeded } from '../rfc/random.js';
import { compare, type Recordable } from './gpu.js';

const POINTS = 196_608;
const DIMENSIONS = 32;
const CLUSTERS = 8;
const BLOCK = 256;
const ROUNDS = 8;

/** Points grouped round centres; the host moves the centres. */
export const kmeans: Recordable = {
  name: 'kmeans',
  about:
    'clustering by k-means; the kernel finds the nearest centre, the host moves the centres, after Rodinia’s kmeans',
  async run(gpu) {
    const random = seeded(14);
    const data = Float32Array.from({ length: POINTS * DIMENSIONS }, () => random() + random());
    const features = await gpu.input(data);
    const centres = await gpu.input(data.slice(0, CLUSTERS * DIMENSIONS));
    const members = await gpu.inout(new Uint32Array(POINTS));
    let current = data.slice(0, CLUSTERS * DIMENSIONS);
    for (let round = 0; round < ROUNDS; round++) {
      await gpu.launch(POINTS / BLOCK, (ctx, block) => {
        const all = Float32Array.from({ length: CLUSTERS * DIMENSIONS }, (_, i) =>
          ctx.loadF32(centres.address + 4 * i),
        );
        const point = new Float32Array(DIMENSIONS);
        for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) {
          for (let d = 0; d < DIMENSIONS; d++) point[d] = ctx.loadF32(features.address + 4 * (i * DIMENSIONS + d));
          ctx.store32(members.address + 4 * i, nearest(point, 0, all));
        }
      });
      current = moved(data, await gpu.read(members), current);
      await gpu.write(centres, current);
    }
    return async () => {
      let expected = data.slice(0, CLUSTERS * DIMENSIONS);
      let assigned = new Uint32Array(POINTS);
      for (let round = 0; round < ROUNDS; round++) {
        assigned = assigned.map((_, i) => nearest(data, i * DIMENSIONS, expected));
        expected = moved(data, assigned, expected);
      }
      compare('members', await gpu.read(members), assigned);
      compare('centres', await gpu.read(centres), expected);
    };
  },
};

/** The centre that the point at `from` is nearest to. */
function nearest(points: Float32Array, from: number, centres: Float32Array): number {
  let best = 0;
  let least = Infinity;
  for (let c = 0; c < CLUSTERS; c++) {
    let sum = 0;
    for (let d = 0; d < DIMENSIONS; d++) sum += (points[from + d]! - centres[c * DIMENSIONS + d]!) ** 2;
    if (sum >= least) continue;
    least = sum;
    best = c;
  }
  return best;
}

/** The means of the points of each cluster; an empty one stays. */
function moved(data: Float32Array, members: Uint32Array, centres: Float32Array): Float32Array<ArrayBuffer> {
  const sums = new Float64Array(CLUSTERS * DIMENSIONS);
  const counts = new Uint32Array(CLUSTERS);
  for (let i = 0; i < POINTS; i++) {
    const c = members[i]!;
    counts[c]!++;
    for (let d = 0; d < DIMENSIONS; d++) sums[c * DIMENSIONS + d]! += data[i * DIMENSIONS + d]!;
  }
  return Float32Array.from(centres, (old, i) => {
    const count = counts[Math.floor(i / DIMENSIONS)]!;
    return count === 0 ? old : sums[i]! / count;
  });
}
