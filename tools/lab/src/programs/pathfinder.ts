import { seeded } from '../rfc/random.js';
import { compare, type Recordable } from './gpu.js';

const COLUMNS = 65_536;
const ROWS = 96;
/** Grids of one size are searched again and again, each from where the last ended. */
const ROUNDS = 3;
const BLOCK = 256;
const ROWS_A_LAUNCH = 4;

/** The cheapest way through a grid, row by row. */
export const pathfinder: Recordable = {
  name: 'pathfinder',
  about: 'the cheapest way through a grid by dynamic programming, some rows a launch, after Rodinia’s pathfinder',
  async run(gpu) {
    const random = seeded(7);
    const costs = Int32Array.from({ length: COLUMNS * ROWS }, () => Math.floor(random() * 10));
    const wall = await gpu.input(costs);
    let from = await gpu.inout(costs.slice(0, COLUMNS));
    let to = await gpu.inout(new Int32Array(COLUMNS));
    for (let step = 0; step < ROUNDS * Math.ceil((ROWS - 1) / ROWS_A_LAUNCH); step++) {
      const row = 1 + (step % Math.ceil((ROWS - 1) / ROWS_A_LAUNCH)) * ROWS_A_LAUNCH;
      const rows = Math.min(ROWS_A_LAUNCH, ROWS - row);
      const [source, target] = [from.address, to.address];
      await gpu.launch(COLUMNS / BLOCK, (ctx, block) => {
        // A block computes as much beyond its edges as it needs itself.
        const left = Math.max(0, block * BLOCK - rows);
        const right = Math.min(COLUMNS, (block + 1) * BLOCK + rows);
        let best = Int32Array.from({ length: right - left }, (_, i) => ctx.loadI32(source + 4 * (left + i)));
        for (let r = row; r < row + rows; r++) {
          const before = best;
          best = before.map((here, i) => {
            const least = Math.min(here, before[i - 1] ?? Infinity, before[i + 1] ?? Infinity);
            return least + ctx.loadI32(wall.address + 4 * (r * COLUMNS + left + i));
          });
        }
        for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) ctx.store32(target + 4 * i, best[i - left]!);
      });
      [from, to] = [to, from];
    }
    return async () => {
      let best = costs.slice(0, COLUMNS);
      for (let step = 0; step < ROUNDS * (ROWS - 1); step++) {
        const row = 1 + (step % (ROWS - 1));
        const before = best;
        best = before.map((here, i) => {
          const least = Math.min(here, before[Math.max(0, i - 1)]!, before[Math.min(COLUMNS - 1, i + 1)]!);
          return least + costs[row * COLUMNS + i]!;
        });
      }
      compare('cost', await gpu.read(from), best);
    };
  },
};
