import { seeded } from '../rfc/random.js';
import { compare, type Recordable } from './gpu.js';

const [NX, NY, NZ] = [128, 128, 192];
const PLANE = NX * NY;
/** Parboil takes 100; each is like the last. */
const STEPS = 6;
const ROWS = 4;
const [C0, C1] = [1 / 6, 1 / 36];

/** A seven-point stencil in three dimensions; a block has some rows and goes through all planes. */
export const stencil: Recordable = {
  name: 'stencil',
  about: 'a seven-point stencil in three dimensions, after Parboil’s stencil',
  async run(gpu) {
    const random = seeded(11);
    const initial = Float32Array.from({ length: PLANE * NZ }, random);
    let from = await gpu.inout(initial);
    let to = await gpu.inout(initial.slice());
    for (let round = 0; round < STEPS; round++) {
      const [A, B] = [from.address, to.address];
      await gpu.launch(NY / ROWS, (ctx, block) => {
        for (let z = 1; z < NZ - 1; z++) {
          for (let y = Math.max(1, block * ROWS); y < Math.min(NY - 1, (block + 1) * ROWS); y++) {
            for (let x = 1; x < NX - 1; x++) {
              const at = A + 4 * (z * PLANE + y * NX + x);
              const around =
                ctx.loadF32(at - 4 * PLANE) +
                ctx.loadF32(at + 4 * PLANE) +
                ctx.loadF32(at - 4 * NX) +
                ctx.loadF32(at + 4 * NX) +
                ctx.loadF32(at - 4) +
                ctx.loadF32(at + 4);
              ctx.storeF32(B + at - A, C1 * around - C0 * ctx.loadF32(at));
            }
          }
        }
      });
      [from, to] = [to, from];
    }
    return async () => {
      let now = initial;
      for (let round = 0; round < STEPS; round++) {
        const old = now;
        now = old.slice();
        for (let i = PLANE; i < PLANE * (NZ - 1); i++) {
          const [x, y] = [i % NX, Math.floor(i / NX) % NY];
          if (x === 0 || x === NX - 1 || y === 0 || y === NY - 1) continue;
          const around = old[i - PLANE]! + old[i + PLANE]! + old[i - NX]! + old[i + NX]! + old[i - 1]! + old[i + 1]!;
          now[i] = C1 * around - C0 * old[i]!;
        }
      }
      compare('grid', await gpu.read(from), now);
    };
  },
};
