import { seeded } from '../rfc/random.js';
import { compare, type Recordable } from './gpu.js';

const N = 1_500_000;
const BLOCK = 1024;
/** STREAM itself repeats ten times. */
const ROUNDS = 6;

/** `a = b + s * c`, a few times. */
export const streamTriad: Recordable = {
  name: 'stream-triad',
  about: 'a = b + 3 c, as STREAM (McCalpin) does',
  async run(gpu) {
    const random = seeded(1);
    const bData = Float64Array.from({ length: N }, random);
    const cData = Float64Array.from({ length: N }, random);
    const a = await gpu.inout(new Float64Array(N));
    const b = await gpu.input(bData);
    const c = await gpu.input(cData);
    for (let round = 0; round < ROUNDS; round++) {
      await gpu.launch(Math.ceil(N / BLOCK), (ctx, block) => {
        const end = Math.min(N, (block + 1) * BLOCK);
        for (let i = block * BLOCK; i < end; i++)
          ctx.storeF64(a.address + 8 * i, ctx.loadF64(b.address + 8 * i) + 3 * ctx.loadF64(c.address + 8 * i));
      });
    }
    return async () =>
      compare(
        'a',
        await gpu.read(a),
        bData.map((value, i) => value + 3 * cData[i]!),
      );
  },
};
