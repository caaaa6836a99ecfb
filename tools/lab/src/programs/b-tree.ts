import { zipf } from '../bare/streams.js';
import { seeded } from '../rfc/random.js';
import { compare, type Recordable } from './gpu.js';

const KEYS = 3_000_000;
const QUERIES = 2 ** 17;
const BLOCK = 64;
/** Words of a node: keys, and beside each a child, or in leaves its value. */
const FANOUT = 16;
const NODE = 2 * FANOUT;
const NONE = 2 ** 32 - 1;

/** Lookups in a B+ tree, of which some keys are more popular than others. */
export const bTree: Recordable = {
  name: 'b-tree',
  about: 'lookups in a B+ tree of three million keys, which are popular by Zipf’s law, after Rodinia’s b+tree',
  async run(gpu) {
    const random = seeded(17);
    const keys = new Uint32Array(KEYS);
    for (let i = 1; i < KEYS; i++) keys[i] = keys[i - 1]! + 1 + Math.floor(random() * 8);
    const { words, root, depth } = build(keys);
    const wanted = zipf(QUERIES, KEYS, 0.8, 18).map((rank, i) => keys[rank]! + (i % 4 === 0 ? 1 : 0));
    const tree = await gpu.input(words);
    const queries = await gpu.input(wanted);
    const answers = await gpu.inout(new Uint32Array(QUERIES));
    await gpu.launch(QUERIES / BLOCK, (ctx, block) => {
      for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) {
        const key = ctx.load32(queries.address + 4 * i);
        let node = root;
        let slot = 0;
        for (let level = 0; level < depth; level++) {
          const at = tree.address + 4 * NODE * node;
          slot = 0;
          while (slot + 1 < FANOUT && ctx.load32(at + 4 * (slot + 1)) <= key) slot++;
          if (level + 1 < depth) node = ctx.load32(at + 4 * (FANOUT + slot));
        }
        const at = tree.address + 4 * (NODE * node + slot);
        const found = ctx.load32(at) === key;
        ctx.store32(answers.address + 4 * i, found ? ctx.load32(at + 4 * FANOUT) : NONE);
      }
    });
    return async () => {
      const index = new Map(Array.from(keys, (key, i) => [key, i]));
      compare(
        'answer',
        await gpu.read(answers),
        wanted.map((key) => index.get(key) ?? NONE),
      );
    };
  },
};

/** A tree whose leaves hold the keys and, as values, their indices; unused slots have the largest key there is. */
function build(keys: Uint32Array): { words: Uint32Array; root: number; depth: number } {
  const nodes: number[][] = [];
  let level: { key: number; of: number }[] = Array.from(keys, (key, of) => ({ key, of }));
  let depth = 0;
  do {
    const above: { key: number; of: number }[] = [];
    for (let from = 0; from < level.length; from += FANOUT) {
      const part = level.slice(from, from + FANOUT);
      const node = new Array<number>(NODE).fill(NONE);
      part.forEach(({ key, of }, slot) => {
        node[slot] = key;
        node[FANOUT + slot] = of;
      });
      above.push({ key: part[0]!.key, of: nodes.length });
      nodes.push(node);
    }
    level = above;
    depth++;
  } while (level.length > 1);
  return { words: Uint32Array.from(nodes.flat()), root: level[0]!.of, depth };
}
