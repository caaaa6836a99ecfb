import { seeded } from '../rfc/random.js';
import { compare, type Recordable } from './gpu.js';

const N = 1536;
const [WIDTH, HEIGHT] = [64, 16];
/** Temperatures converge over many steps; a few show how the next one follows. */
const STEPS = 6;
const [CAP, RX, RY, RZ, AMBIENT] = [0.5, 0.1, 0.1, 0.05, 80];

/** The temperature of a cell after a step; neighbours beyond the edge are as warm as the cell. */
function step(at: (row: number, column: number) => number, power: number, row: number, column: number): number {
  const here = at(row, column);
  const north = row === 0 ? here : at(row - 1, column);
  const south = row === N - 1 ? here : at(row + 1, column);
  const west = column === 0 ? here : at(row, column - 1);
  const east = column === N - 1 ? here : at(row, column + 1);
  const flow = (north + south - 2 * here) * RY + (east + west - 2 * here) * RX + (AMBIENT - here) * RZ;
  return here + CAP * (power + flow);
}

/** Temperatures on a chip, a tile a block. */
export const hotspot: Recordable = {
  name: 'hotspot',
  about: 'temperatures on a chip by an iterated five-point stencil, after Rodinia’s hotspot',
  async run(gpu) {
    const random = seeded(3);
    const initial = Float32Array.from({ length: N * N }, () => 60 + 40 * random());
    const watts = Float32Array.from({ length: N * N }, random);
    const power = await gpu.input(watts);
    let from = await gpu.inout(initial);
    let to = await gpu.inout(new Float32Array(N * N));
    for (let round = 0; round < STEPS; round++) {
      const [source, target] = [from, to];
      await gpu.launch((N / WIDTH) * (N / HEIGHT), (ctx, block) => {
        const top = Math.floor(block / (N / WIDTH)) * HEIGHT;
        const left = (block % (N / WIDTH)) * WIDTH;
        const at = (row: number, column: number) => ctx.loadF32(source.address + 4 * (row * N + column));
        for (let row = top; row < top + HEIGHT; row++) {
          for (let column = left; column < left + WIDTH; column++) {
            const i = row * N + column;
            ctx.storeF32(target.address + 4 * i, step(at, ctx.loadF32(power.address + 4 * i), row, column));
          }
        }
      });
      [from, to] = [to, from];
    }
    return async () => {
      let now = initial.slice();
      for (let round = 0; round < STEPS; round++) {
        const before = now;
        const at = (row: number, column: number) => before[row * N + column]!;
        now = before.map((_, i) => step(at, watts[i]!, Math.floor(i / N), i % N));
      }
      compare('temperature', await gpu.read(from), now);
    };
  },
};
