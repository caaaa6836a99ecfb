import { seeded } from '../rfc/random.js';

/** A directed graph by rows: the edges of node `n` are `offsets[n]` … `offsets[n + 1] - 1`. */
export interface Graph {
  readonly offsets: Uint32Array;
  readonly targets: Uint32Array;
  /** 1 to 10 each. */
  readonly weights: Uint32Array;
}

/** A graph whose nodes have `degree` edges each on average, to nodes that `target` chooses. */
export function graph(
  nodes: number,
  degree: number,
  seed: number,
  target: (node: number, random: () => number) => number,
): Graph {
  const random = seeded(seed);
  const offsets = new Uint32Array(nodes + 1);
  for (let n = 0; n < nodes; n++) offsets[n + 1] = offsets[n]! + 1 + Math.floor(random() * (2 * degree - 1));
  const targets = new Uint32Array(offsets[nodes]!);
  for (let n = 0; n < nodes; n++)
    for (let edge = offsets[n]!; edge < offsets[n + 1]!; edge++) targets[edge] = target(n, random);
  return { offsets, targets, weights: targets.map(() => 1 + Math.floor(random() * 10)) };
}

/** Edges to anywhere. */
export function uniformGraph(nodes: number, degree: number, seed: number): Graph {
  return graph(nodes, degree, seed, (_, random) => Math.floor(random() * nodes));
}

/** Edges to neighbours on a square grid, as roads are, and one of 200 to anywhere. */
export function roadGraph(side: number, degree: number, seed: number): Graph {
  const nodes = side * side;
  const steps = [1, nodes - 1, side, nodes - side, side + 1, nodes - side - 1];
  return graph(nodes, degree, seed, (node, random) =>
    random() < 0.005 ? Math.floor(random() * nodes) : (node + steps[Math.floor(random() * steps.length)]!) % nodes,
  );
}
