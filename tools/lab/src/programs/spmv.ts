import { seeded } from '../rfc/random.js';
import { graph } from './graphs.js';
import { compare, type Recordable } from './gpu.js';

const ROWS = 2 ** 18;
const DEGREE = 12;
const BLOCK = 256;
/** Solvers take dozens to thousands. */
const ROUNDS = 4;

/** A sparse matrix by rows times a vector, again and again. */
export const spmv: Recordable = {
  name: 'spmv',
  about: 'a sparse matrix in CSR times a vector, columns by a power law or near the diagonal, as in SHOC’s spmv',
  async run(gpu) {
    const { offsets, targets } = graph(ROWS, DEGREE, 15, (row, random) =>
      random() < 0.95 ? (row + Math.floor(random() * 512)) % ROWS : Math.floor(ROWS * random() ** 4),
    );
    const random = seeded(16);
    const coefficients = Float32Array.from(targets, () => random() / DEGREE);
    const initial = Float32Array.from({ length: ROWS }, random);
    const rows = await gpu.input(offsets);
    const columns = await gpu.input(targets);
    const values = await gpu.input(coefficients);
    let x = await gpu.inout(initial);
    let y = await gpu.inout(new Float32Array(ROWS));
    for (let round = 0; round < ROUNDS; round++) {
      const [X, Y] = [x.address, y.address];
      await gpu.launch(ROWS / BLOCK, (ctx, block) => {
        for (let row = block * BLOCK; row < (block + 1) * BLOCK; row++) {
          const end = ctx.load32(rows.address + 4 * (row + 1));
          let sum = 0;
          for (let i = ctx.load32(rows.address + 4 * row); i < end; i++)
            sum += ctx.loadF32(values.address + 4 * i) * ctx.loadF32(X + 4 * ctx.load32(columns.address + 4 * i));
          ctx.storeF32(Y + 4 * row, sum);
        }
      });
      [x, y] = [y, x];
    }
    return async () => {
      let now = initial;
      for (let round = 0; round < ROUNDS; round++) {
        const before = now;
        now = before.map((_, row) => {
          let sum = 0;
          for (let i = offsets[row]!; i < offsets[row + 1]!; i++) sum += coefficients[i]! * before[targets[i]!]!;
          return sum;
        });
      }
      compare('x', await gpu.read(x), now);
    };
  },
};
