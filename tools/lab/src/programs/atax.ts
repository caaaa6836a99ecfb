import { seeded } from '../rfc/random.js';
import { compare, type Recordable } from './gpu.js';

const N = 2560;
/** Rows that the threads of a warp go through side by side, and how far each goes in its turn: a cache line. */
const [WARP, LINE] = [32, 32];
const COLUMNS = 256;
/** As in a solver for least squares, which takes dozens. */
const ROUNDS = 3;

/** `y = Aᵀ (A x)`: first by rows, then by columns. */
export const atax: Recordable = {
  name: 'atax',
  about:
    'a matrix, and then its transpose, times a vector, a thread a row and a thread a column, after PolyBench’s atax',
  async run(gpu) {
    const random = seeded(13);
    const matrix = Float32Array.from({ length: N * N }, random);
    const vector = Float32Array.from({ length: N }, random);
    const a = await gpu.input(matrix);
    let x = await gpu.inout(vector);
    const ax = await gpu.inout(new Float32Array(N));
    let y = await gpu.inout(new Float32Array(N));
    for (let round = 0; round < ROUNDS; round++) {
      const [X, Y] = [x.address, y.address];
      await gpu.launch(N / WARP, (ctx, block) => {
        const sums = new Float64Array(WARP);
        for (let from = 0; from < N; from += LINE) {
          for (let lane = 0; lane < WARP; lane++) {
            const row = a.address + 4 * N * (block * WARP + lane);
            for (let j = from; j < from + LINE; j++) sums[lane]! += ctx.loadF32(row + 4 * j) * ctx.loadF32(X + 4 * j);
          }
        }
        for (let lane = 0; lane < WARP; lane++) ctx.storeF32(ax.address + 4 * (block * WARP + lane), sums[lane]!);
      });
      await gpu.launch(N / COLUMNS, (ctx, block) => {
        const sums = new Float64Array(COLUMNS);
        for (let i = 0; i < N; i++) {
          const factor = ctx.loadF32(ax.address + 4 * i);
          const row = a.address + 4 * (N * i + block * COLUMNS);
          for (let j = 0; j < COLUMNS; j++) sums[j]! += ctx.loadF32(row + 4 * j) * factor;
        }
        for (let j = 0; j < COLUMNS; j++) ctx.storeF32(Y + 4 * (block * COLUMNS + j), sums[j]! / (N * N));
      });
      [x, y] = [y, x];
    }
    return async () => {
      let now = vector;
      for (let round = 0; round < ROUNDS; round++) {
        const sums = new Float64Array(N);
        for (let i = 0; i < N; i++) {
          let sum = 0;
          for (let j = 0; j < N; j++) sum += matrix[i * N + j]! * now[j]!;
          const product = Math.fround(sum);
          for (let j = 0; j < N; j++) sums[j]! += matrix[i * N + j]! * product;
        }
        now = Float32Array.from(sums, (sum) => sum / (N * N));
      }
      compare('x', await gpu.read(x), now);
    };
  },
};
