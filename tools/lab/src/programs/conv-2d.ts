import { seeded } from '../rfc/random.js';
import { compare, type Recordable } from './gpu.js';

const N = 2048;
/** Layers of a network, or frames. */
const LAYERS = 3;
const [WIDTH, HEIGHT] = [256, 4];
const WEIGHTS = [0.2, 0.5, -0.8, -0.3, 0.6, -0.9, 0.4, 0.7, 0.1];

/** A convolution of an image with three by three weights. */
export const conv2d: Recordable = {
  name: '2dconv',
  about: 'a convolution with three by three weights, after PolyBench/GPU’s 2DConvolution',
  async run(gpu) {
    const random = seeded(12);
    const image = Float32Array.from({ length: N * N }, random);
    let a = await gpu.inout(image);
    let b = await gpu.inout(new Float32Array(N * N));
    for (let layer = 0; layer < LAYERS; layer++) {
      const [from, to] = [a.address, b.address];
      await gpu.launch((N / WIDTH) * (N / HEIGHT), (ctx, block) => {
        const top = Math.floor(block / (N / WIDTH)) * HEIGHT;
        const left = (block % (N / WIDTH)) * WIDTH;
        for (let row = Math.max(1, top); row < Math.min(N - 1, top + HEIGHT); row++) {
          for (let column = Math.max(1, left); column < Math.min(N - 1, left + WIDTH); column++) {
            let sum = 0;
            for (let k = 0; k < 9; k++) {
              const other = (row + Math.floor(k / 3) - 1) * N + column + (k % 3) - 1;
              sum += WEIGHTS[k]! * ctx.loadF32(from + 4 * other);
            }
            ctx.storeF32(to + 4 * (row * N + column), sum);
          }
        }
      });
      [a, b] = [b, a];
    }
    return async () => {
      let now = image;
      let other = new Float32Array(N * N);
      for (let layer = 0; layer < LAYERS; layer++) {
        const next = other.slice();
        for (let row = 1; row < N - 1; row++) {
          for (let column = 1; column < N - 1; column++) {
            let sum = 0;
            for (let r = 0; r < 3; r++)
              for (let c = 0; c < 3; c++) sum += WEIGHTS[3 * r + c]! * now[(row + r - 1) * N + column + c - 1]!;
            next[row * N + column] = sum;
          }
        }
        [now, other] = [next, now];
      }
      compare('image', await gpu.read(a), now);
    };
  },
};
