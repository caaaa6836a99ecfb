import { seeded } from '../rfc/random.js';
import { compare, type Recordable } from './gpu.js';

const N = 2048;
const WIDTH = N + 1;
const TILE = 32;
const TILES = N / TILE;
const GAP = 10;

/** Global alignment of two sequences, tile by tile along the diagonals. */
export const nw: Recordable = {
  name: 'nw',
  about: 'alignment of two sequences by Needleman and Wunsch, a launch a diagonal of tiles, after Rodinia’s nw',
  async run(gpu) {
    const random = seeded(6);
    const similarity = Int32Array.from({ length: WIDTH * WIDTH }, () => Math.floor(random() * 15) - 5);
    const edges = new Int32Array(WIDTH * WIDTH);
    for (let i = 1; i < WIDTH; i++) edges[i] = edges[i * WIDTH] = -GAP * i;
    const reference = await gpu.input(similarity);
    const scores = await gpu.inout(edges);
    const [R, S] = [reference.address, scores.address];
    for (let diagonal = 0; diagonal < 2 * TILES - 1; diagonal++) {
      const first = Math.max(0, diagonal - TILES + 1);
      const blocks = Math.min(diagonal, TILES - 1) - first + 1;
      await gpu.launch(blocks, (ctx, block) => {
        const top = (diagonal - first - block) * TILE + 1;
        const left = (first + block) * TILE + 1;
        for (let row = top; row < top + TILE; row++) {
          for (let column = left; column < left + TILE; column++) {
            const i = row * WIDTH + column;
            const match = ctx.loadI32(S + 4 * (i - WIDTH - 1)) + ctx.loadI32(R + 4 * i);
            const gap = Math.max(ctx.loadI32(S + 4 * (i - 1)), ctx.loadI32(S + 4 * (i - WIDTH))) - GAP;
            ctx.store32(S + 4 * i, Math.max(match, gap));
          }
        }
      });
    }
    return async () => {
      for (let row = 1; row < WIDTH; row++) {
        for (let i = row * WIDTH + 1; i < (row + 1) * WIDTH; i++) {
          const gap = Math.max(edges[i - 1]!, edges[i - WIDTH]!) - GAP;
          edges[i] = Math.max(edges[i - WIDTH - 1]! + similarity[i]!, gap);
        }
      }
      compare('scores', await gpu.read(scores), edges);
    };
  },
};
