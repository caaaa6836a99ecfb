import { atax } from './atax.js';
import { bTree } from './b-tree.js';
import { backprop } from './backprop.js';
import { bfs } from './bfs.js';
import { bvh } from './bvh.js';
import { conv2d } from './conv-2d.js';
import { fdtd2d } from './fdtd-2d.js';
import type { Recordable } from './gpu.js';
import { gups } from './gups.js';
import { hotspot } from './hotspot.js';
import { kmeans } from './kmeans.js';
import { llmDecode } from './llm-decode.js';
import { moeDecode } from './moe-decode.js';
import { nw } from './nw.js';
import { pathfinder } from './pathfinder.js';
import { spmv } from './spmv.js';
import { srad } from './srad.js';
import { sssp } from './sssp.js';
import { stencil } from './stencil.js';
import { streamTriad } from './stream-triad.js';

/** All programs that `lab record` records. */
export const PROGRAMS: readonly Recordable[] = [
  backprop,
  hotspot,
  fdtd2d,
  nw,
  pathfinder,
  srad,
  bfs,
  sssp,
  stencil,
  conv2d,
  atax,
  streamTriad,
  gups,
  kmeans,
  spmv,
  bTree,
  bvh,
  llmDecode,
  moeDecode,
];
