import assert from 'node:assert/strict';
import { HMM_PAGE } from './device.js';

/** An object: a number, and those that it points to. */
export interface Node {
  readonly value: number;
  /** Indexes of others. */
  readonly next: readonly number[];
}

const LINKS = 3;
/** Bytes of an object: its value, its number of links, and a pointer of 64 bits for each. */
const OBJECT = 8 + LINKS * 8;
/** Objects lie this far apart, so that they are on many pages. */
const STRIDE = 224;
/** Objects begin here: the first word is their number. */
const FIRST = 64;

/** Objects that point to each other, as plain JavaScript, and where they are in memory. */
export class Graph {
  readonly nodes: Node[];
  private address = 0;

  constructor(nodes: Node[]) {
    this.nodes = nodes;
  }

  /** The last page that has an object. */
  get lastPage(): number {
    return Math.floor((FIRST + this.nodes.length * STRIDE) / HMM_PAGE);
  }

  /** Address of an object. */
  at(index: number): number {
    return this.address + FIRST + index * STRIDE;
  }

  /** Writes all of it, with addresses for pointers. */
  write(view: DataView, address: number, bytes: number): void {
    this.address = address;
    assert.ok(FIRST + this.nodes.length * STRIDE < bytes);
    view.setUint32(0, this.nodes.length, true);
    for (let i = 0; i < this.nodes.length; i++) new Uint8Array(view.buffer).set(this.encode(i), this.at(i) - address);
  }

  /** Gives an object another value; the bytes that say so. */
  renew(index: number, value: number): Uint8Array {
    this.nodes[index] = { ...this.nodes[index]!, value };
    return this.encode(index);
  }

  /** Gives an object another value by a plain store. */
  store(view: DataView, address: number, index: number, value: number): void {
    this.renew(index, value);
    view.setUint32(this.at(index) - address, value, true);
  }

  private encode(index: number): Uint8Array {
    const view = new DataView(new ArrayBuffer(OBJECT));
    const { value, next } = this.nodes[index]!;
    view.setUint32(0, value, true);
    view.setUint32(4, next.length, true);
    next.forEach((to, k) => view.setBigUint64(8 + k * 8, BigInt(this.at(to)), true));
    return new Uint8Array(view.buffer);
  }
}

/** A graph in which all objects are reached from the first. */
export function buildGraph(count: number): Graph {
  let state = 12345;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  return new Graph(
    Array.from({ length: count }, (_, i) => ({
      value: random(),
      next: [...(i + 1 < count ? [i + 1] : []), random() % count, ...(i % 3 === 0 ? [random() % count] : [])],
    })),
  );
}

/** Follows pointers from the first object; `load` reads a word at an address. */
export function readGraph(load: (address: number) => number, address: number): Node[] {
  const indexOf = (pointer: number) => (pointer - address - FIRST) / STRIDE;
  const found = new Map<number, Node>();
  const open = [address + FIRST];
  while (open.length > 0) {
    const at = open.pop()!;
    if (found.has(at)) continue;
    const links = load(at + 4);
    assert.ok(links <= LINKS, `an object with ${links} links at ${at}`);
    const next = Array.from({ length: links }, (_, k) => load(at + 8 + k * 8) + load(at + 12 + k * 8) * 2 ** 32);
    found.set(at, { value: load(at), next: next.map(indexOf) });
    open.push(...next);
  }
  assert.equal(found.size, load(address), 'objects reached');
  return Array.from(found.entries())
    .sort(([a], [b]) => a - b)
    .map(([, node]) => node);
}

/** Fails unless both have the same objects. */
export function sameGraph(got: readonly Node[], wanted: readonly Node[], what: string): void {
  assert.equal(got.length, wanted.length, what);
  for (let i = 0; i < got.length; i++) assert.deepEqual(got[i], wanted[i], `${what}: object ${i}`);
}
