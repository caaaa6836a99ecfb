const FIRST = 64;
const NONE = -1;

/**
 * Finds small dense nodes by the pages, or other safe integers, that they stand for: a chained hash table in typed arrays, which
 * doubles as nodes come up. 16 to 20 bytes a node. A node is in it once at most, and pages are different.
 */
export class PageIndex {
  /** By node: its page. */
  pages: Float64Array;
  /** By hash: the first node, or NONE. A power of two. */
  private heads: Int32Array;
  /** By node: the next with the same hash, or NONE. */
  private chain: Int32Array;

  /** @param nodes for which there is room at once */
  constructor(nodes = FIRST) {
    this.pages = new Float64Array(nodes);
    this.chain = new Int32Array(nodes);
    this.heads = new Int32Array(powerOfTwo(nodes)).fill(NONE);
  }

  get bytes(): number {
    return this.pages.byteLength + this.heads.byteLength + this.chain.byteLength;
  }

  /** The node of a page, or NONE. */
  find(page: number): number {
    let node = this.heads[hash(page) & (this.heads.length - 1)]!;
    while (node !== NONE && this.pages[node] !== page) node = this.chain[node]!;
    return node;
  }

  /** Makes a node stand for a page. */
  add(node: number, page: number): void {
    if (node >= this.pages.length) this.grow(node);
    this.pages[node] = page;
    this.link(node, page);
  }

  /** Takes a node out. */
  delete(node: number): void {
    const at = hash(this.pages[node]!) & (this.heads.length - 1);
    const { heads, chain } = this;
    if (heads[at] === node) {
      heads[at] = chain[node]!;
      return;
    }
    let before = heads[at]!;
    while (chain[before] !== node) before = chain[before]!;
    chain[before] = chain[node]!;
  }

  private link(node: number, page: number): void {
    const at = hash(page) & (this.heads.length - 1);
    this.chain[node] = this.heads[at]!;
    this.heads[at] = node;
  }

  private grow(node: number): void {
    const { heads, pages, chain } = this;
    const length = Math.max(node + 1, pages.length * 2);
    this.pages = new Float64Array(length);
    this.pages.set(pages);
    this.chain = new Int32Array(length);
    this.heads = new Int32Array(powerOfTwo(length)).fill(NONE);
    for (const head of heads) for (let old = head; old !== NONE; old = chain[old]!) this.link(old, pages[old]!);
  }
}

function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, least)));
}

/** Mixes all 53 bits of a page number. */
function hash(page: number): number {
  let mixed = Math.imul((page | 0) ^ Math.imul((page / 2 ** 32) | 0, 0x9e3779b1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
