import { seeded } from '../rfc/random.js';
import { compare, type Kernel, type Recordable } from './gpu.js';

const N = 1536;
/** PolyBench takes 20 to 1,000 steps; each is like the last. */
const STEPS = 6;
const [WIDTH, HEIGHT] = [256, 4];
const BLOCKS = (N / WIDTH) * (N / HEIGHT);

/** Calls `cell` with every cell of a block's tile. */
function tile(block: number, cell: (row: number, column: number, i: number) => void): void {
  const top = Math.floor(block / (N / WIDTH)) * HEIGHT;
  const left = (block % (N / WIDTH)) * WIDTH;
  for (let row = top; row < top + HEIGHT; row++)
    for (let column = left; column < left + WIDTH; column++) cell(row, column, row * N + column);
}

/** An electromagnetic field in two dimensions. */
export const fdtd2d: Recordable = {
  name: 'fdtd-2d',
  about: 'an electromagnetic field by finite differences in time, three kernels a step, after PolyBench’s fdtd-2d',
  async run(gpu) {
    const random = seeded(4);
    const field = () => Float32Array.from({ length: N * N }, random);
    const [ex0, ey0, hz0] = [field(), field(), field()];
    const ex = await gpu.inout(ex0);
    const ey = await gpu.inout(ey0);
    const hz = await gpu.inout(hz0);
    const [EX, EY, HZ] = [ex.address, ey.address, hz.address];
    for (let t = 0; t < STEPS; t++) {
      const updateEy: Kernel = (ctx, block) =>
        tile(block, (row, _, i) => {
          const value =
            row === 0 ? t : ctx.loadF32(EY + 4 * i) - 0.5 * (ctx.loadF32(HZ + 4 * i) - ctx.loadF32(HZ + 4 * (i - N)));
          ctx.storeF32(EY + 4 * i, value);
        });
      const updateEx: Kernel = (ctx, block) =>
        tile(block, (_, column, i) => {
          if (column === 0) return;
          const change = 0.5 * (ctx.loadF32(HZ + 4 * i) - ctx.loadF32(HZ + 4 * (i - 1)));
          ctx.storeF32(EX + 4 * i, ctx.loadF32(EX + 4 * i) - change);
        });
      const updateHz: Kernel = (ctx, block) =>
        tile(block, (row, column, i) => {
          if (row === N - 1 || column === N - 1) return;
          const alongX = ctx.loadF32(EX + 4 * (i + 1)) - ctx.loadF32(EX + 4 * i);
          const alongY = ctx.loadF32(EY + 4 * (i + N)) - ctx.loadF32(EY + 4 * i);
          ctx.storeF32(HZ + 4 * i, ctx.loadF32(HZ + 4 * i) - 0.7 * (alongX + alongY));
        });
      await gpu.launch(BLOCKS, updateEy);
      await gpu.launch(BLOCKS, updateEx);
      await gpu.launch(BLOCKS, updateHz);
    }
    return async () => {
      plain(ex0, ey0, hz0);
      compare('ex', await gpu.read(ex), ex0);
      compare('ey', await gpu.read(ey), ey0);
      compare('hz', await gpu.read(hz), hz0);
    };
  },
};

function plain(ex: Float32Array, ey: Float32Array, hz: Float32Array): void {
  for (let t = 0; t < STEPS; t++) {
    ey.fill(t, 0, N);
    for (let i = N; i < N * N; i++) ey[i] = ey[i]! - 0.5 * (hz[i]! - hz[i - N]!);
    for (let i = 0; i < N * N; i++) if (i % N > 0) ex[i] = ex[i]! - 0.5 * (hz[i]! - hz[i - 1]!);
    for (let i = 0; i < N * (N - 1); i++)
      if (i % N < N - 1) hz[i] = hz[i]! - 0.7 * (ex[i + 1]! - ex[i]! + (ey[i + N]! - ey[i]!));
  }
}
