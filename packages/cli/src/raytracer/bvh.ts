/** Most triangles in a leaf. */
export const LEAF_TRIANGLES = 4;
/** No path from the root to a leaf has more nodes; what a traversal stack must hold. */
export const MAX_DEPTH = 96;

/** From this depth on, ranges are halved by count, so that no input can exceed {@link MAX_DEPTH}. */
const HALVING_DEPTH = 60;
const BINS = 12;

/**
 * A binary bounding-volume hierarchy over triangles. A child is a node number (≥ 0) or `~l` for leaf `l`; leaf `l` holds the
 * triangles `order[leafFirst[l]]` and the following, `leafCount[l]` of them.
 */
export interface Bvh {
  readonly root: number;
  readonly nodes: number;
  /** Nodes on the longest path from the root to a leaf. */
  readonly depth: number;
  readonly leaves: number;
  /** Two a node. */
  readonly children: Int32Array;
  /** Twelve a node: low x, y, z and high x, y, z of either child's box. */
  readonly boxes: Float32Array;
  readonly leafFirst: Uint32Array;
  readonly leafCount: Uint8Array;
  readonly order: Uint32Array;
}

/**
 * Builds the hierarchy top down by the surface-area heuristic over bins of centroids. `corners`: nine numbers a triangle.
 * @throws RangeError when there is no triangle
 * Source: I. Wald, "On fast Construction of SAH-based Bounding Volume Hierarchies", 2007.
 */
export function buildBvh(corners: Float32Array): Bvh {
  const count = corners.length / 9;
  if (count < 1) throw new RangeError('a bounding-volume hierarchy needs at least one triangle');
  return new Builder(corners, count).build();
}

class Builder implements Bvh {
  root = 0;
  nodes = 0;
  depth = 0;
  leaves = 0;
  readonly children: Int32Array;
  readonly boxes: Float32Array;
  readonly leafFirst: Uint32Array;
  readonly leafCount: Uint8Array;
  readonly order: Uint32Array;

  private readonly triangleBoxes: Float32Array;
  /** Twice the box's centre, three numbers a triangle. */
  private readonly centres: Float32Array;
  private readonly binCounts = new Uint32Array(BINS);
  private readonly binBoxes = new Float64Array(BINS * 6);
  private readonly costsBelow = new Float64Array(BINS);
  private readonly box = new Float64Array(6);

  constructor(corners: Float32Array, count: number) {
    this.children = new Int32Array(count * 2);
    this.boxes = new Float32Array(count * 12);
    this.leafFirst = new Uint32Array(count);
    this.leafCount = new Uint8Array(count);
    this.order = Uint32Array.from({ length: count }, (_, i) => i);
    this.triangleBoxes = new Float32Array(count * 6);
    this.centres = new Float32Array(count * 3);
    for (let i = 0; i < count * 3; i += 1) {
      const triangle = Math.floor(i / 3);
      const axis = i % 3;
      const [a, b, c] = [
        corners[triangle * 9 + axis]!,
        corners[triangle * 9 + axis + 3]!,
        corners[triangle * 9 + axis + 6]!,
      ];
      const low = Math.min(a, b, c);
      const high = Math.max(a, b, c);
      this.triangleBoxes[triangle * 6 + axis] = low;
      this.triangleBoxes[triangle * 6 + axis + 3] = high;
      this.centres[i] = low + high;
    }
  }

  build(): Bvh {
    this.root = this.split(0, this.order.length, 0);
    return this;
  }

  /** Makes the subtree over `order[first .. first + count)` and returns its reference. */
  private split(first: number, count: number, depth: number): number {
    if (count <= LEAF_TRIANGLES) {
      this.leafFirst[this.leaves] = first;
      this.leafCount[this.leaves] = count;
      this.leaves += 1;
      return ~(this.leaves - 1);
    }
    const node = this.nodes;
    this.nodes += 1;
    this.depth = Math.max(this.depth, depth + 1);
    const half = count >> 1;
    const left = depth >= HALVING_DEPTH ? half : this.partition(first, count) || half;
    this.bound(first, left);
    this.boxes.set(this.box, node * 12);
    this.bound(first + left, count - left);
    this.boxes.set(this.box, node * 12 + 6);
    this.children[node * 2] = this.split(first, left, depth + 1);
    this.children[node * 2 + 1] = this.split(first + left, count - left, depth + 1);
    return node;
  }

  /** Sets `box` to the bounds of a range. */
  private bound(first: number, count: number): void {
    this.box.fill(Infinity, 0, 3).fill(-Infinity, 3);
    for (let i = first; i < first + count; i += 1) this.grow(this.box, 0, this.order[i]!);
  }

  private grow(boxes: Float64Array, at: number, triangle: number): void {
    const from = triangle * 6;
    for (let k = 0; k < 3; k += 1) {
      if (this.triangleBoxes[from + k]! < boxes[at + k]!) boxes[at + k] = this.triangleBoxes[from + k]!;
      if (this.triangleBoxes[from + k + 3]! > boxes[at + k + 3]!) boxes[at + k + 3] = this.triangleBoxes[from + k + 3]!;
    }
  }

  /** Reorders a range so that its first part is the left child, and returns that part's length; 0: the centres are all alike. */
  private partition(first: number, count: number): number {
    const { order, centres } = this;
    let axis = 0;
    let low = 0;
    let width = 0;
    for (let k = 0; k < 3; k += 1) {
      let least = Infinity;
      let most = -Infinity;
      for (let i = first; i < first + count; i += 1) {
        const centre = centres[order[i]! * 3 + k]!;
        if (centre < least) least = centre;
        if (centre > most) most = centre;
      }
      if (most - least > width) [axis, low, width] = [k, least, most - least];
    }
    if (width === 0) return 0;
    const scale = (BINS * (1 - 1e-6)) / width;
    const cut = this.cheapestCut(first, count, axis, low, scale);
    let i = first;
    let j = first + count - 1;
    while (i <= j) {
      const triangle = order[i]!;
      if (Math.floor((centres[triangle * 3 + axis]! - low) * scale) < cut) {
        i += 1;
      } else {
        order[i] = order[j]!;
        order[j] = triangle;
        j -= 1;
      }
    }
    return i - first;
  }

  /** The number of bins that go left. The outermost bins hold a triangle each, so neither side of a cut is empty. */
  private cheapestCut(first: number, count: number, axis: number, low: number, scale: number): number {
    const { binCounts, binBoxes, costsBelow, box } = this;
    binCounts.fill(0);
    for (let bin = 0; bin < BINS; bin += 1)
      binBoxes.fill(Infinity, bin * 6, bin * 6 + 3).fill(-Infinity, bin * 6 + 3, bin * 6 + 6);
    for (let i = first; i < first + count; i += 1) {
      const triangle = this.order[i]!;
      const bin = Math.floor((this.centres[triangle * 3 + axis]! - low) * scale);
      binCounts[bin]! += 1;
      this.grow(binBoxes, bin * 6, triangle);
    }
    box.fill(Infinity, 0, 3).fill(-Infinity, 3);
    for (let bin = 0, below = 0; bin < BINS - 1; bin += 1) {
      below += binCounts[bin]!;
      merge(box, binBoxes, bin * 6);
      costsBelow[bin + 1] = below * area(box);
    }
    box.fill(Infinity, 0, 3).fill(-Infinity, 3);
    let best = 1;
    let bestCost = Infinity;
    for (let bin = BINS - 1, above = 0; bin > 0; bin -= 1) {
      above += binCounts[bin]!;
      merge(box, binBoxes, bin * 6);
      const cost = costsBelow[bin]! + above * area(box);
      if (cost < bestCost) [best, bestCost] = [bin, cost];
    }
    return best;
  }
}

function merge(box: Float64Array, boxes: Float64Array, at: number): void {
  for (let k = 0; k < 3; k += 1) {
    if (boxes[at + k]! < box[k]!) box[k] = boxes[at + k]!;
    if (boxes[at + k + 3]! > box[k + 3]!) box[k + 3] = boxes[at + k + 3]!;
  }
}

/** Half the surface. */
function area(box: Float64Array): number {
  const [x, y, z] = [box[3]! - box[0]!, box[4]! - box[1]!, box[5]! - box[2]!];
  return x * y + y * z + z * x;
}
