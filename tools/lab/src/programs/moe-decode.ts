import { seeded } from '../rfc/random.js';
import { compare, type Recordable } from './gpu.js';

const EXPERTS = 48;
const WIDTH = 128;
const INNER = 512;
const BATCH = 4;
const STEPS = 40;
const CHOSEN = 2;
/** Rows of a matrix that a block has. */
const ROWS = 32;
/** An expert's two matrices. */
const EXPERT = 2 * WIDTH * INNER;

const relu = (value: number) => Math.max(0, value);

/** The experts with the highest scores, some of which are more popular. */
function choose(scores: readonly number[]): number[] {
  const biased = scores.map((score, e) => score - 0.02 * e);
  return biased
    .map((_, e) => e)
    .sort((a, b) => biased[b]! - biased[a]! || a - b)
    .slice(0, CHOSEN);
}

/** The next token's state, which depends on the last and on what comes in. */
function next(mixed: ArrayLike<number>, noise: Float32Array, step: number, s: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: WIDTH }, (_, d) => {
    const value = mixed[d]!;
    return value / (1 + Math.abs(value)) + noise[(step * BATCH + s) * WIDTH + d]!;
  });
}

/** A mixture of experts that decodes: which weights a token needs depends on the token. */
export const moeDecode: Recordable = {
  name: 'moe-decode',
  about: 'a layer with a mixture of 48 experts, two a token, that decodes four sequences; the host chooses the experts',
  async run(gpu) {
    const random = seeded(21);
    const gate = Float32Array.from({ length: EXPERTS * WIDTH }, () => random() - 0.5);
    const parameters = Float32Array.from({ length: EXPERTS * EXPERT }, () => (random() - 0.5) / 4);
    const noise = Float32Array.from({ length: (STEPS + 1) * BATCH * WIDTH }, () => random() - 0.5);
    const router = await gpu.input(gate);
    const experts = await gpu.input(parameters);
    const state = await gpu.input(noise.slice(0, BATCH * WIDTH));
    const scores = await gpu.inout(new Float32Array(BATCH * EXPERTS));
    const inner = await gpu.inout(new Float32Array(BATCH * CHOSEN * INNER));
    const outer = await gpu.inout(new Float32Array(BATCH * CHOSEN * WIDTH));
    const [G, E, X] = [router.address, experts.address, state.address];

    for (let step = 0; step < STEPS; step++) {
      await gpu.launch(BATCH, (ctx, s) => {
        for (let e = 0; e < EXPERTS; e++) {
          let sum = 0;
          for (let d = 0; d < WIDTH; d++)
            sum += ctx.loadF32(G + 4 * (e * WIDTH + d)) * ctx.loadF32(X + 4 * (s * WIDTH + d));
          ctx.storeF32(scores.address + 4 * (s * EXPERTS + e), sum);
        }
      });
      const all = await gpu.read(scores);
      const chosen = Array.from({ length: BATCH }, (_, s) =>
        choose(Array.from(all.subarray(s * EXPERTS, (s + 1) * EXPERTS))),
      ).flat();
      await gpu.launch((BATCH * CHOSEN * INNER) / ROWS, (ctx, block) => {
        const choice = Math.floor((block * ROWS) / INNER);
        const x = X + 4 * WIDTH * Math.floor(choice / CHOSEN);
        for (let k = block * ROWS; k < (block + 1) * ROWS; k++) {
          const row = E + 4 * (chosen[choice]! * EXPERT + (k % INNER) * WIDTH);
          let sum = 0;
          for (let d = 0; d < WIDTH; d++) sum += ctx.loadF32(row + 4 * d) * ctx.loadF32(x + 4 * d);
          ctx.storeF32(inner.address + 4 * k, relu(sum));
        }
      });
      await gpu.launch((BATCH * CHOSEN * WIDTH) / ROWS, (ctx, block) => {
        const choice = Math.floor((block * ROWS) / WIDTH);
        for (let k = block * ROWS; k < (block + 1) * ROWS; k++) {
          const row = E + 4 * (chosen[choice]! * EXPERT + WIDTH * INNER + (k % WIDTH) * INNER);
          let sum = 0;
          for (let i = 0; i < INNER; i++)
            sum += ctx.loadF32(row + 4 * i) * ctx.loadF32(inner.address + 4 * (choice * INNER + i));
          ctx.storeF32(outer.address + 4 * k, sum);
        }
      });
      const results = await gpu.read(outer);
      const following = Float32Array.from(
        Array.from({ length: BATCH }, (_, s) => {
          const parts = results.subarray(s * CHOSEN * WIDTH, (s + 1) * CHOSEN * WIDTH);
          const mixed = Float64Array.from({ length: WIDTH }, (_, d) => (parts[d]! + parts[WIDTH + d]!) / CHOSEN);
          return Array.from(next(mixed, noise, step + 1, s));
        }).flat(),
      );
      await gpu.write(state, following);
    }
    return async () => compare('state', await gpu.read(state), plain(gate, parameters, noise));
  },
};

function plain(gate: Float32Array, experts: Float32Array, noise: Float32Array): Float32Array {
  const dot = (matrix: Float32Array, from: number, vector: Float32Array) => {
    let sum = 0;
    for (let i = 0; i < vector.length; i++) sum += matrix[from + i]! * vector[i]!;
    return sum;
  };
  const result = new Float32Array(BATCH * WIDTH);
  for (let s = 0; s < BATCH; s++) {
    let x = noise.slice(s * WIDTH, (s + 1) * WIDTH);
    for (let step = 0; step < STEPS; step++) {
      const current = x;
      const scores = Array.from({ length: EXPERTS }, (_, e) => Math.fround(dot(gate, e * WIDTH, current)));
      const outs = choose(scores).map((expert) => {
        const base = expert * EXPERT;
        const inner = Float32Array.from({ length: INNER }, (_, k) => relu(dot(experts, base + k * WIDTH, current)));
        return Float32Array.from({ length: WIDTH }, (_, d) => dot(experts, base + WIDTH * INNER + d * INNER, inner));
      });
      const mixed = Float64Array.from({ length: WIDTH }, (_, d) => (outs[0]![d]! + outs[1]![d]!) / CHOSEN);
      x = next(mixed, noise, step + 1, s);
    }
    result.set(x, s * WIDTH);
  }
  return result;
}
