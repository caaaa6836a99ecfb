import { seeded } from '../rfc/random.js';
import { compare, type Recordable } from './gpu.js';

const ENTRIES = 2 ** 23;
const UPDATES = 2 ** 18;
const BLOCK = 256;

/** Random updates of a table. */
export const gups: Recordable = {
  name: 'gups',
  about: 'random XOR updates of a table, as in HPC Challenge RandomAccess',
  async run(gpu) {
    const random = seeded(2);
    const start = Uint32Array.from({ length: ENTRIES }, (_, i) => i);
    const values = Uint32Array.from({ length: UPDATES }, () => Math.floor(random() * 2 ** 32));
    const table = await gpu.inout(start);
    const keys = await gpu.input(values);
    await gpu.launch(UPDATES / BLOCK, (ctx, block) => {
      for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) {
        const key = ctx.load32(keys.address + 4 * i);
        const at = table.address + 4 * (key % ENTRIES);
        ctx.store32(at, (ctx.load32(at) ^ key) >>> 0);
      }
    });
    return async () => {
      const expected = start.slice();
      for (const key of values) expected[key % ENTRIES]! ^= key;
      compare('table', await gpu.read(table), expected);
    };
  },
};
