import { seeded } from '../rfc/random.js';
import { compare, type Recordable } from './gpu.js';

const INPUTS = 180_224;
const HIDDEN = 16;
const BLOCK = 16;
const EPOCHS = 3;
const [RATE, MOMENTUM] = [0.3, 0.3];

const squash = (sum: number) => 1 / (1 + Math.exp(-sum));

/** The error of the hidden units, for a target that is all ones: what the host computes between the kernels. */
function deltas(partial: Float32Array): Float32Array {
  const delta = new Float32Array(HIDDEN);
  for (let j = 0; j < HIDDEN; j++) {
    let sum = 0;
    for (let block = 0; block < INPUTS / BLOCK; block++) sum += partial[block * HIDDEN + j]!;
    const out = squash(sum);
    delta[j] = out * (1 - out) * (1 - out);
  }
  return delta;
}

/** Training of one layer. */
export const backprop: Recordable = {
  name: 'backprop',
  about: 'a layer trained by back-propagation: forward with partial sums, weights adjusted, after Rodinia’s backprop',
  async run(gpu) {
    const random = seeded(5);
    const values = Float32Array.from({ length: INPUTS }, random);
    const first = Float32Array.from({ length: INPUTS * HIDDEN }, () => (random() - 0.5) / 64);
    const input = await gpu.input(values);
    const weights = await gpu.inout(first);
    const before = await gpu.inout(new Float32Array(INPUTS * HIDDEN));
    const partial = await gpu.inout(new Float32Array((INPUTS / BLOCK) * HIDDEN));
    const delta = await gpu.input(new Float32Array(HIDDEN));
    const [X, W, OLD, P, D] = [input.address, weights.address, before.address, partial.address, delta.address];
    for (let epoch = 0; epoch < EPOCHS; epoch++) {
      await gpu.launch(INPUTS / BLOCK, (ctx, block) => {
        const sums = new Float64Array(HIDDEN);
        for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) {
          const x = ctx.loadF32(X + 4 * i);
          for (let j = 0; j < HIDDEN; j++) sums[j]! += x * ctx.loadF32(W + 4 * (i * HIDDEN + j));
        }
        for (let j = 0; j < HIDDEN; j++) ctx.storeF32(P + 4 * (block * HIDDEN + j), sums[j]!);
      });
      await gpu.write(delta, deltas(await gpu.read(partial)));
      await gpu.launch(INPUTS / BLOCK, (ctx, block) => {
        for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) {
          const x = ctx.loadF32(X + 4 * i);
          for (let j = 0; j < HIDDEN; j++) {
            const at = 4 * (i * HIDDEN + j);
            const change = RATE * ctx.loadF32(D + 4 * j) * x + MOMENTUM * ctx.loadF32(OLD + at);
            ctx.storeF32(W + at, ctx.loadF32(W + at) + change);
            ctx.storeF32(OLD + at, change);
          }
        }
      });
    }
    return async () => compare('weights', await gpu.read(weights), plain(values, first));
  },
};

function plain(x: Float32Array, first: Float32Array): Float32Array {
  const weights = first.slice();
  const before = new Float32Array(weights.length);
  const partial = new Float32Array((INPUTS / BLOCK) * HIDDEN);
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (let k = 0; k < partial.length; k++) {
      let sum = 0;
      const [block, j] = [Math.floor(k / HIDDEN), k % HIDDEN];
      for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) sum += x[i]! * weights[i * HIDDEN + j]!;
      partial[k] = sum;
    }
    const delta = deltas(partial);
    for (let k = 0; k < weights.length; k++) {
      const change = RATE * delta[k % HIDDEN]! * x[Math.floor(k / HIDDEN)]! + MOMENTUM * before[k]!;
      weights[k] = weights[k]! + change;
      before[k] = change;
    }
  }
  return weights;
}
