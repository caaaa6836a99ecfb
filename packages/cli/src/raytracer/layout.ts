import type { Bvh } from './bvh.js';
import * as cell from './cell.js';
import type { Camera } from './camera.js';
import { encodeOctahedral } from './octahedral.js';
import type { Triangles } from './scene.js';

/** Cells a subtree may have to be laid out in one piece: a page of 4 KiB. */
const CLUSTER_CELLS = 4096 / cell.CELL;

/** Where every node and leaf goes, in cells from the start of the scene. */
export interface Layout {
  /** Cells in all, header included. */
  readonly cells: number;
  readonly bytes: number;
  readonly nodeCell: Uint32Array;
  /** Cell of a leaf's first triangle. */
  readonly leafCell: Uint32Array;
}

/** What the header says beside the root. */
export interface Target {
  readonly pixels: number;
  readonly width: number;
  readonly height: number;
  readonly pitch: number;
  readonly camera: Camera;
}

/**
 * Lays a hierarchy out for paging. The large nodes near the root come first, level by level, because every ray visits them;
 * behind them every subtree that fits into a page stands in one piece, nodes and triangles together, in depth-first order.
 */
export function layOut(bvh: Bvh): Layout {
  const nodeCell = new Uint32Array(bvh.nodes);
  const leafCell = new Uint32Array(bvh.leaves);
  const sizes = subtreeCells(bvh);
  const sizeOf = (reference: number): number => (reference < 0 ? bvh.leafCount[~reference]! : sizes[reference]!);
  let next = cell.HEADER_CELLS;

  const place = (reference: number): void => {
    if (reference < 0) {
      leafCell[~reference] = next;
      next += bvh.leafCount[~reference]!;
      return;
    }
    nodeCell[reference] = next;
    next += 1;
    place(bvh.children[reference * 2]!);
    place(bvh.children[reference * 2 + 1]!);
  };

  const large: number[] = sizeOf(bvh.root) > CLUSTER_CELLS ? [bvh.root] : [];
  for (const node of large) {
    nodeCell[node] = next;
    next += 1;
    for (const child of childrenOf(bvh, node)) if (sizeOf(child) > CLUSTER_CELLS) large.push(child);
  }
  if (large.length === 0) place(bvh.root);
  // Depth first again, so that neighbours in space are neighbours in memory.
  const pending = large.slice(0, 1);
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (sizeOf(node) <= CLUSTER_CELLS) place(node);
    else pending.push(...childrenOf(bvh, node).reverse());
  }
  return { cells: next, bytes: next * cell.CELL, nodeCell, leafCell };
}

function childrenOf(bvh: Bvh, node: number): [number, number] {
  return [bvh.children[node * 2]!, bvh.children[node * 2 + 1]!];
}

/** Cells of every node's subtree. A child has a higher number than its parent. */
function subtreeCells(bvh: Bvh): Uint32Array {
  const sizes = new Uint32Array(bvh.nodes);
  for (let node = bvh.nodes - 1; node >= 0; node -= 1) {
    sizes[node] = 1;
    for (const child of childrenOf(bvh, node)) sizes[node]! += child < 0 ? bvh.leafCount[~child]! : sizes[child]!;
  }
  return sizes;
}

/**
 * Writes header, nodes and triangles into `memory` (`layout.bytes`, aligned to 4), which is the virtual memory at `base`:
 * children and triangles are referred to by their virtual addresses.
 */
export function writeScene(
  memory: Uint8Array,
  base: number,
  layout: Layout,
  bvh: Bvh,
  triangles: Triangles,
  target: Target,
): void {
  const floats = new Float32Array(memory.buffer, memory.byteOffset, layout.bytes / 4);
  const words = new Uint32Array(memory.buffer, memory.byteOffset, layout.bytes / 4);
  const refer = (word: number, reference: number): void => {
    const isLeaf = reference < 0;
    const address = base + (isLeaf ? layout.leafCell[~reference]! : layout.nodeCell[reference]!) * cell.CELL;
    words[word] = (address % 2 ** 32) + (isLeaf ? bvh.leafCount[~reference]! : 0);
    words[word + 1] = Math.floor(address / 2 ** 32);
  };
  refer(cell.HEADER_ROOT / 4, bvh.root);
  writeTarget(memory, target);
  for (let node = 0; node < bvh.nodes; node += 1) {
    const at = (layout.nodeCell[node]! * cell.CELL) / 4;
    floats.set(bvh.boxes.subarray(node * 12, node * 12 + 12), at + cell.NODE_BOXES / 4);
    childrenOf(bvh, node).forEach((child, i) => refer(at + cell.NODE_CHILDREN / 4 + i * 2, child));
  }
  for (let leaf = 0; leaf < bvh.leaves; leaf += 1) {
    for (let i = 0; i < bvh.leafCount[leaf]!; i += 1) {
      const at = ((layout.leafCell[leaf]! + i) * cell.CELL) / 4;
      const triangle = bvh.order[bvh.leafFirst[leaf]! + i]!;
      floats.set(triangles.corners.subarray(triangle * 9, triangle * 9 + 9), at + cell.TRIANGLE_CORNERS / 4);
      for (let corner = 0; corner < 3; corner += 1) {
        const from = triangle * 9 + corner * 3;
        encodeOctahedral(triangles.normals, from, floats, at + cell.TRIANGLE_NORMALS / 4 + corner * 2);
      }
      words[at + cell.TRIANGLE_COLOUR / 4] = triangles.colours[triangle]!;
    }
  }
}

/** Writes what the header says beside the root; `memory` begins with the header and is aligned to 4. */
export function writeTarget(memory: Uint8Array, { pixels, width, height, pitch, camera }: Target): void {
  const words = new Uint32Array(memory.buffer, memory.byteOffset, (cell.HEADER_CELLS * cell.CELL) / 4);
  const floats = new Float32Array(memory.buffer, memory.byteOffset, words.length);
  words[cell.HEADER_PIXELS / 4] = pixels % 2 ** 32;
  words[cell.HEADER_PIXELS / 4 + 1] = Math.floor(pixels / 2 ** 32);
  words[cell.HEADER_SIZE / 4] = width;
  words[cell.HEADER_SIZE / 4 + 1] = height;
  words[cell.HEADER_PITCH / 4] = pitch;
  const { eye, right, up, forward } = camera;
  floats.set([...eye, ...right, ...up, ...forward], cell.HEADER_CAMERA / 4);
}
