import { roadGraph } from './graphs.js';
import { compare, type Recordable } from './gpu.js';

const SIDE = 384;
const NODES = SIDE * SIDE;
const DEGREE = 4;
const BLOCK = 256;
const FAR = 2 ** 31;
/** Words of a node beside its edges: its distance, the round in which it was last put on a list; the others are the application's. */
const RECORD = 32;
const [DISTANCE, MARK] = [0, 4];

/** Shortest paths by relaxing the edges of what changed, until nothing does. */
export const sssp: Recordable = {
  name: 'sssp',
  about: 'shortest paths on a road graph by worklists (Bellman and Ford), as in LonestarGPU’s sssp',
  async run(gpu) {
    const { offsets, targets, weights } = roadGraph(SIDE, DEGREE, 10);
    const rows = await gpu.input(offsets);
    const edges = await gpu.input(targets);
    const lengths = await gpu.input(weights);
    const start = new Uint32Array(NODES).fill(FAR);
    start[0] = 0;
    const records = new Uint32Array(NODES * RECORD);
    for (let node = 0; node < NODES; node++) records[node * RECORD] = start[node]!;
    const nodes = await gpu.inout(records);
    const at = (node: number) => nodes.address + 4 * RECORD * node;
    const lists = [await gpu.inout(new Uint32Array(NODES)), await gpu.inout(new Uint32Array(NODES))] as const;
    const count = await gpu.inout(new Uint32Array(1));
    let size = 1;
    for (let round = 1; size > 0; round++) {
      const [from, to] = round % 2 === 1 ? lists : [lists[1], lists[0]];
      await gpu.write(count, Uint32Array.of(0));
      const [limit, mark] = [size, round];
      await gpu.launch(Math.ceil(limit / BLOCK), (ctx, block) => {
        for (let i = block * BLOCK; i < Math.min(limit, (block + 1) * BLOCK); i++) {
          const node = ctx.load32(from.address + 4 * i);
          const distance = ctx.load32(at(node) + DISTANCE);
          const end = ctx.load32(rows.address + 4 * (node + 1));
          for (let edge = ctx.load32(rows.address + 4 * node); edge < end; edge++) {
            const other = ctx.load32(edges.address + 4 * edge);
            const length = distance + ctx.load32(lengths.address + 4 * edge);
            if (length >= ctx.load32(at(other) + DISTANCE)) continue;
            ctx.store32(at(other) + DISTANCE, length);
            if (ctx.load32(at(other) + MARK) === mark) continue;
            ctx.store32(at(other) + MARK, mark);
            ctx.store32(to.address + 4 * ctx.atomicAdd(count.address, 1), other);
          }
        }
      });
      size = (await gpu.read(count))[0]!;
    }
    return async () => {
      for (let changed = true; changed;) {
        changed = false;
        for (let node = 0; node < NODES; node++) {
          for (let edge = offsets[node]!; edge < offsets[node + 1]!; edge++) {
            const length = start[node]! + weights[edge]!;
            if (length >= start[targets[edge]!]!) continue;
            start[targets[edge]!] = length;
            changed = true;
          }
        }
      }
      const result = await gpu.read(nodes);
      const distances = start.map((_, node) => result[node * RECORD]!);
      compare('distance', distances, start);
    };
  },
};
