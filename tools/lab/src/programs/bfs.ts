import { uniformGraph } from './graphs.js';
import { compare, type Recordable } from './gpu.js';

const NODES = 2 ** 17;
const DEGREE = 5;
const BLOCK = 256;
const UNSEEN = 2 ** 32 - 1;
/** Words of a node beside its edges: it was found, it is at the front, it will be, its level; the others are the application's. */
const RECORD = 48;
const [FOUND, FRONT, NEXT, LEVEL] = [0, 4, 8, 12];

/** Breadth-first search, a level two launches. */
export const bfs: Recordable = {
  name: 'bfs',
  about: 'breadth-first search of a random graph, two kernels a level and a flag for the host, after Rodinia’s bfs',
  async run(gpu) {
    const { offsets, targets } = uniformGraph(NODES, DEGREE, 9);
    const records = new Uint32Array(NODES * RECORD);
    for (let n = 0; n < NODES; n++) records[n * RECORD + LEVEL / 4] = UNSEEN;
    records.set([1, 1, 0, 0]);
    const rows = await gpu.input(offsets);
    const edges = await gpu.input(targets);
    const nodes = await gpu.inout(records);
    const more = await gpu.inout(new Uint32Array(1));
    const at = (node: number) => nodes.address + 4 * RECORD * node;
    for (let goesOn = true; goesOn;) {
      await gpu.write(more, Uint32Array.of(0));
      await gpu.launch(NODES / BLOCK, (ctx, block) => {
        for (let n = block * BLOCK; n < (block + 1) * BLOCK; n++) {
          if (ctx.load32(at(n) + FRONT) === 0) continue;
          ctx.store32(at(n) + FRONT, 0);
          const level = ctx.load32(at(n) + LEVEL) + 1;
          const end = ctx.load32(rows.address + 4 * (n + 1));
          for (let edge = ctx.load32(rows.address + 4 * n); edge < end; edge++) {
            const other = at(ctx.load32(edges.address + 4 * edge));
            if (ctx.load32(other + FOUND) !== 0) continue;
            ctx.store32(other + LEVEL, level);
            ctx.store32(other + NEXT, 1);
          }
        }
      });
      await gpu.launch(NODES / BLOCK, (ctx, block) => {
        for (let n = block * BLOCK; n < (block + 1) * BLOCK; n++) {
          if (ctx.load32(at(n) + NEXT) === 0) continue;
          ctx.store32(at(n) + FOUND, 1);
          ctx.store32(at(n) + FRONT, 1);
          ctx.store32(at(n) + NEXT, 0);
          ctx.store32(more.address, 1);
        }
      });
      goesOn = (await gpu.read(more))[0] === 1;
    }
    return async () => {
      const result = await gpu.read(nodes);
      const levels = Uint32Array.from({ length: NODES }, (_, n) => result[n * RECORD + LEVEL / 4]!);
      compare('level', levels, plain(offsets, targets));
    };
  },
};

function plain(offsets: Uint32Array, targets: Uint32Array): Uint32Array {
  const levels = new Uint32Array(NODES).fill(UNSEEN);
  levels[0] = 0;
  const queue = [0];
  for (const node of queue) {
    for (let edge = offsets[node]!; edge < offsets[node + 1]!; edge++) {
      const other = targets[edge]!;
      if (levels[other] !== UNSEEN) continue;
      levels[other] = levels[node]! + 1;
      queue.push(other);
    }
  }
  return levels;
}
