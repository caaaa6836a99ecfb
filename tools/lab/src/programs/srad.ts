import { seeded } from '../rfc/random.js';
import { compare, type Recordable } from './gpu.js';

const N = 1024;
/** Images are cleaned in some dozens of steps; each is like the last. */
const STEPS = 6;
const LAMBDA = 0.5;
const [WIDTH, HEIGHT] = [256, 4];
const BLOCKS = (N / WIDTH) * (N / HEIGHT);

/** Indices of a cell's neighbours: north, south, west, east; at the edge the cell itself. */
const north = (i: number) => (i < N ? i : i - N);
const south = (i: number) => (i >= N * (N - 1) ? i : i + N);
const west = (i: number) => (i % N === 0 ? i : i - 1);
const east = (i: number) => (i % N === N - 1 ? i : i + 1);

/** How strongly a cell diffuses, by its differences to its neighbours. */
function coefficient(here: number, n: number, s: number, w: number, e: number, q0: number): number {
  const gradient = (n * n + s * s + w * w + e * e) / (here * here);
  const laplacian = (n + s + w + e) / here;
  const q = (0.5 * gradient - (laplacian * laplacian) / 16) / (1 + 0.25 * laplacian) ** 2;
  return Math.min(1, Math.max(0, 1 / (1 + (q - q0) / (q0 * (1 + q0)))));
}

/** How much noise there is: variance over the square of the mean. */
function noise(sum: number, squares: number): number {
  const mean = sum / (N * N);
  return (squares / (N * N) - mean * mean) / (mean * mean);
}

function* cells(block: number): Generator<number> {
  const top = Math.floor(block / (N / WIDTH)) * HEIGHT;
  const left = (block % (N / WIDTH)) * WIDTH;
  for (let row = top; row < top + HEIGHT; row++)
    for (let column = left; column < left + WIDTH; column++) yield row * N + column;
}

/** Speckle-reducing anisotropic diffusion. */
export const srad: Recordable = {
  name: 'srad',
  about:
    'noise taken out of an image by anisotropic diffusion, a reduction and two kernels a step, after Rodinia’s srad',
  async run(gpu) {
    const random = seeded(8);
    const noisy = Float32Array.from({ length: N * N }, () => Math.exp(random()));
    const image = await gpu.inout(noisy);
    const empty = () => gpu.inout(new Float32Array(N * N));
    const [dn, ds, dw, de, c] = [await empty(), await empty(), await empty(), await empty(), await empty()];
    const sums = await gpu.inout(new Float64Array(2 * BLOCKS));
    const [J, DN, DS, DW, DE, C] = [image.address, dn.address, ds.address, dw.address, de.address, c.address];
    for (let round = 0; round < STEPS; round++) {
      await gpu.launch(BLOCKS, (ctx, block) => {
        let [sum, squares] = [0, 0];
        for (const i of cells(block)) {
          const value = ctx.loadF32(J + 4 * i);
          sum += value;
          squares += value * value;
        }
        ctx.storeF64(sums.address + 16 * block, sum);
        ctx.storeF64(sums.address + 16 * block + 8, squares);
      });
      const q0 = total(await gpu.read(sums));
      await gpu.launch(BLOCKS, (ctx, block) => {
        for (const i of cells(block)) {
          const here = ctx.loadF32(J + 4 * i);
          const n = ctx.loadF32(J + 4 * north(i)) - here;
          const s = ctx.loadF32(J + 4 * south(i)) - here;
          const w = ctx.loadF32(J + 4 * west(i)) - here;
          const e = ctx.loadF32(J + 4 * east(i)) - here;
          ctx.storeF32(DN + 4 * i, n);
          ctx.storeF32(DS + 4 * i, s);
          ctx.storeF32(DW + 4 * i, w);
          ctx.storeF32(DE + 4 * i, e);
          ctx.storeF32(C + 4 * i, coefficient(here, n, s, w, e, q0));
        }
      });
      await gpu.launch(BLOCKS, (ctx, block) => {
        for (const i of cells(block)) {
          const here = ctx.loadF32(C + 4 * i);
          const flow =
            here * ctx.loadF32(DN + 4 * i) +
            ctx.loadF32(C + 4 * south(i)) * ctx.loadF32(DS + 4 * i) +
            here * ctx.loadF32(DW + 4 * i) +
            ctx.loadF32(C + 4 * east(i)) * ctx.loadF32(DE + 4 * i);
          ctx.storeF32(J + 4 * i, ctx.loadF32(J + 4 * i) + 0.25 * LAMBDA * flow);
        }
      });
    }
    return async () => compare('image', await gpu.read(image), plain(noisy));
  },
};

function total(sums: Float64Array): number {
  let [sum, squares] = [0, 0];
  for (let block = 0; block < BLOCKS; block++) {
    sum += sums[2 * block]!;
    squares += sums[2 * block + 1]!;
  }
  return noise(sum, squares);
}

function plain(noisy: Float32Array): Float32Array {
  const image = noisy.slice();
  const sums = new Float64Array(2 * BLOCKS);
  for (let round = 0; round < STEPS; round++) {
    for (let block = 0; block < BLOCKS; block++) {
      let [sum, squares] = [0, 0];
      for (const i of cells(block)) {
        sum += image[i]!;
        squares += image[i]! * image[i]!;
      }
      sums.set([sum, squares], 2 * block);
    }
    const q0 = total(sums);
    const differences = [north, south, west, east].map((of) => image.map((here, i) => image[of(i)]! - here));
    const [n, s, w, e] = differences as [Float32Array, Float32Array, Float32Array, Float32Array];
    const c = image.map((here, i) => coefficient(here, n[i]!, s[i]!, w[i]!, e[i]!, q0));
    for (let i = 0; i < image.length; i++) {
      const flow = c[i]! * n[i]! + c[south(i)]! * s[i]! + c[i]! * w[i]! + c[east(i)]! * e[i]!;
      image[i] = image[i]! + 0.25 * LAMBDA * flow;
    }
  }
  return image;
}
