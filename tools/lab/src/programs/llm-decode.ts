import type { UnitContext } from '@mirrorspace/core';
import { seeded } from '../rfc/random.js';
import { compare, type Recordable, type Shared } from './gpu.js';

const LAYERS = 7;
const WIDTH = 256;
const INNER = 1024;
const HEADS = 4;
const HEAD = WIDTH / HEADS;
/** Sequences that are decoded side by side. */
const BATCH = 16;
const STEPS = 16;
/** Rows of a matrix that a block has. */
const ROWS = 16;

/** Matrices of a layer, each by rows, one behind the other: query, key and value; output; up; down. */
const [QKV, OUT, UP, DOWN] = [0, 3 * WIDTH * WIDTH, 4 * WIDTH * WIDTH, 4 * WIDTH * WIDTH + INNER * WIDTH];
const LAYER = DOWN + WIDTH * INNER;

type Reader = (index: number) => number;

const relu = (value: number) => Math.max(0, value);
const bounded = (value: number) => value / (1 + Math.abs(value));

/** Where the key (0) or value (1) of a token is: pages of a sequence in a layer grow with it. */
const cached = (layer: number, sequence: number, kind: number, token: number) =>
  (((layer * BATCH + sequence) * 2 + kind) * STEPS + token) * WIDTH;

/** What one head attends to, by its query and all keys and values so far. */
function attend(
  query: Reader,
  key: (token: number) => Reader,
  value: (token: number) => Reader,
  tokens: number,
): Float64Array {
  const scores = new Float64Array(tokens);
  for (let t = 0; t < tokens; t++) {
    const of = key(t);
    for (let d = 0; d < HEAD; d++) scores[t]! += query(d) * of(d);
  }
  const most = scores.reduce((a, b) => Math.max(a, b));
  const shares = scores.map((score) => Math.exp((score - most) / Math.sqrt(HEAD)));
  const sum = shares.reduce((a, b) => a + b);
  const mixed = new Float64Array(HEAD);
  for (let t = 0; t < tokens; t++) {
    const of = value(t);
    for (let d = 0; d < HEAD; d++) mixed[d]! += (shares[t]! / sum) * of(d);
  }
  return mixed;
}

/** A transformer that decodes token by token, with a cache of keys and values that grows. */
export const llmDecode: Recordable = {
  name: 'llm-decode',
  about:
    'a transformer of seven layers that decodes 16 sequences, 16 tokens each; all weights a token, and keys and values that grow',
  async run(gpu) {
    const random = seeded(20);
    const scale = 2 / Math.sqrt(WIDTH);
    const parameters = Float32Array.from({ length: LAYERS * LAYER }, () => (random() - 0.5) * scale);
    const first = Float32Array.from({ length: BATCH * WIDTH }, () => random() - 0.5);
    const weights = await gpu.input(parameters);
    const cache = await gpu.inout(new Float32Array(LAYERS * BATCH * 2 * STEPS * WIDTH));
    const state = await gpu.inout(first);
    const qkv = await gpu.inout(new Float32Array(BATCH * 3 * WIDTH));
    const mixed = await gpu.inout(new Float32Array(BATCH * WIDTH));
    const inner = await gpu.inout(new Float32Array(BATCH * INNER));

    /** Runs `matrix` times a vector of each sequence, some rows a block. */
    const multiply = (
      offset: number,
      rows: number,
      from: Shared,
      columns: number,
      store: (ctx: UnitContext, sequence: number, row: number, sum: number) => void,
    ) =>
      gpu.launch(rows / ROWS, (ctx, block) => {
        const vectors = Float32Array.from({ length: BATCH * columns }, (_, i) => ctx.loadF32(from.address + 4 * i));
        for (let row = block * ROWS; row < (block + 1) * ROWS; row++) {
          const sums = new Float64Array(BATCH);
          for (let j = 0; j < columns; j++) {
            const weight = ctx.loadF32(weights.address + 4 * (offset + row * columns + j));
            for (let s = 0; s < BATCH; s++) sums[s]! += weight * vectors[s * columns + j]!;
          }
          for (let s = 0; s < BATCH; s++) store(ctx, s, row, sums[s]!);
        }
      });
    const put =
      (into: Shared, columns: number, change: Reader) => (ctx: UnitContext, s: number, row: number, sum: number) =>
        ctx.storeF32(into.address + 4 * (s * columns + row), change(sum));
    const add = (ctx: UnitContext, s: number, row: number, sum: number) => {
      const at = state.address + 4 * (s * WIDTH + row);
      ctx.storeF32(at, bounded(ctx.loadF32(at) + sum));
    };

    for (let token = 0; token < STEPS; token++) {
      for (let layer = 0; layer < LAYERS; layer++) {
        const base = layer * LAYER;
        await multiply(base + QKV, 3 * WIDTH, state, WIDTH, put(qkv, 3 * WIDTH, Number));
        await gpu.launch(BATCH * HEADS, (ctx, block) => {
          const [s, head] = [Math.floor(block / HEADS), block % HEADS];
          const at = qkv.address + 4 * (s * 3 * WIDTH + head * HEAD);
          const query = Float32Array.from({ length: HEAD }, (_, d) => ctx.loadF32(at + 4 * d));
          for (let kind = 0; kind < 2; kind++) {
            const to = cache.address + 4 * (cached(layer, s, kind, token) + head * HEAD);
            for (let d = 0; d < HEAD; d++) ctx.storeF32(to + 4 * d, ctx.loadF32(at + 4 * ((1 + kind) * WIDTH + d)));
          }
          const of = (kind: number) => (t: number) => {
            const from = cache.address + 4 * (cached(layer, s, kind, t) + head * HEAD);
            return (d: number) => ctx.loadF32(from + 4 * d);
          };
          const result = attend((d) => query[d]!, of(0), of(1), token + 1);
          for (let d = 0; d < HEAD; d++) ctx.storeF32(mixed.address + 4 * (s * WIDTH + head * HEAD + d), result[d]!);
        });
        await multiply(base + OUT, WIDTH, mixed, WIDTH, add);
        await multiply(base + UP, INNER, state, WIDTH, put(inner, INNER, relu));
        await multiply(base + DOWN, WIDTH, inner, INNER, add);
      }
    }
    return async () => compare('state', await gpu.read(state), plain(parameters, first));
  },
};

function plain(weights: Float32Array, first: Float32Array): Float32Array {
  const result = new Float32Array(first.length);
  for (let s = 0; s < BATCH; s++) {
    const cache = new Float32Array(LAYERS * BATCH * 2 * STEPS * WIDTH);
    const state = first.slice(s * WIDTH, (s + 1) * WIDTH);
    const times = (offset: number, rows: number, from: Float32Array) =>
      Float64Array.from({ length: rows }, (_, row) => {
        let sum = 0;
        for (let j = 0; j < from.length; j++) sum += weights[offset + row * from.length + j]! * from[j]!;
        return sum;
      });
    const add = (sums: Float64Array) => sums.forEach((sum, i) => (state[i] = bounded(state[i]! + sum)));
    for (let token = 0; token < STEPS; token++) {
      for (let layer = 0; layer < LAYERS; layer++) {
        const base = layer * LAYER;
        const qkv = Float32Array.from(times(base + QKV, 3 * WIDTH, state));
        cache.set(qkv.subarray(WIDTH, 2 * WIDTH), cached(layer, s, 0, token));
        cache.set(qkv.subarray(2 * WIDTH), cached(layer, s, 1, token));
        const mixed = new Float32Array(WIDTH);
        for (let from = 0; from < WIDTH; from += HEAD) {
          const of = (kind: number) => (t: number) => (d: number) => cache[cached(layer, s, kind, t) + from + d]!;
          mixed.set(
            attend((d) => qkv[from + d]!, of(0), of(1), token + 1),
            from,
          );
        }
        add(times(base + OUT, WIDTH, mixed));
        add(times(base + DOWN, WIDTH, Float32Array.from(times(base + UP, INNER, state), relu)));
      }
    }
    result.set(state, s * WIDTH);
  }
  return result;
}
