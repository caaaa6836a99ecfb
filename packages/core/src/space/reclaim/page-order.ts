import type { EvictionFactory, EvictionPolicy } from '../../policy/index.js';

const FIRST_CAPACITY = 256;

/** Used by one call at a time. */
const one = new Uint32Array(1);

/** Pages in the order in which they would be given up. An eviction policy over host page numbers that grows with them; it is not told
 * where pages are mapped, so to one that looks at neighbours each page is alone. */
export class PageOrder {
  private readonly factory: EvictionFactory;
  private readonly pageSize: number;
  private policy: EvictionPolicy;
  private capacity = FIRST_CAPACITY;
  /** Nothing is blocked: what must not go is not in the order, or is put back by whoever took it. */
  private blocked = new Uint8Array(FIRST_CAPACITY);

  /** @param pageSize in bytes */
  constructor(factory: EvictionFactory, pageSize: number) {
    this.factory = factory;
    this.pageSize = pageSize;
    this.policy = factory(FIRST_CAPACITY, pageSize);
  }

  /** Pages in the order. */
  get size(): number {
    return this.policy.size;
  }

  /** Bytes of memory it takes. */
  get bytes(): number {
    return this.policy.bytes + this.blocked.byteLength;
  }

  /** Puts a page into the order; for one that is in it, it is an access. */
  insert(page: number): void {
    if (page >= this.capacity) this.grow(page + 1);
    one[0] = page;
    this.policy.insert(one, 1);
  }

  /** Notes an access to a page, if it is in the order. */
  touch(page: number): void {
    one[0] = page;
    this.policy.touch(one, 1);
  }

  /** Takes a page out, if it is in the order. */
  remove(page: number): void {
    one[0] = page;
    this.policy.remove(one, 1);
  }

  /** Takes up to `count` pages out, those to give up first, into `out`; returns how many. */
  takeColdest(out: Uint32Array, count: number): number {
    return this.policy.victims(out, Math.min(count, this.policy.size), this.blocked);
  }

  /** A policy has room for a fixed number of ids: a larger one takes over, in the order of the smaller. */
  private grow(needed: number): void {
    const pages = new Uint32Array(this.policy.size);
    const count = this.policy.victims(pages, pages.length, this.blocked);
    this.capacity = Math.max(needed, this.capacity * 2);
    this.blocked = new Uint8Array(this.capacity);
    this.policy = this.factory(this.capacity, this.pageSize);
    this.policy.insert(pages, count);
  }
}
