import { checkPageSize } from '../../address/index.js';
import { checkCapacity, checkFrames } from './check-frames.js';
import { FRAME_BLOCKED } from './frame-flags.js';
import { Groups } from './groups.js';
import { IdQueues, NONE } from './id-queues.js';
import type { EvictionPolicy } from './types.js';

const BLOCK_BYTES = 64 * 1024;
/** Basic blocks of 64 KiB in a chunk of 2 MiB. */
const CHUNK_BLOCKS = 32;

/**
 * The pre-eviction of Ganguly, Zhang, Yang and Melhem, "Interplay between hardware prefetcher and page eviction policy in CPU-GPU unified virtual
 * memory", ISCA 2019, in the detail of their simulator UVMSmart. Chunks of 2 MiB stand in the order of their last access, and so do, within a chunk, its basic
 * blocks of 64 KiB. The first block of the first chunk is given up whole. That is all of `sequential-local`; `tree` then looks at the binary tree over the
 * chunk's blocks, children first: of each node of which less than half is left, the rest goes, too.
 *
 * A chunk's tree reaches as far as its blocks did since there were any, rounded up to a power of two: the simulator knows the sizes of
 * allocations. 33 bytes a frame, and 64 a block.
 */
export class NeighbourhoodEviction implements EvictionPolicy {
  readonly name: 'sequential-local' | 'tree';
  readonly overshoot: number;
  private readonly capacity: number;
  private readonly blockPages: number;
  /** Frames by block. */
  private readonly blocks: Groups;
  /** Blocks by chunk. */
  private readonly chunks: Groups;
  private readonly order: IdQueues;
  /** By chunk: blocks that its tree has. */
  private readonly spans: Uint8Array;
  /** By place in the chunk at hand: the block, or NONE. */
  private readonly leaves = new Int32Array(CHUNK_BLOCKS);
  private out: Uint32Array = new Uint32Array(0);
  private flags: Uint8Array = new Uint8Array(0);
  private taken = 0;
  private tracked = 0;

  /**
   * @param pageSize in bytes; pages of 64 KiB or more are blocks of their own
   * @param kind which of the two
   * @throws TypeError or RangeError for a bad capacity or page size
   */
  constructor(capacity: number, pageSize: number, kind: 'sequential-local' | 'tree') {
    checkCapacity(capacity);
    this.capacity = capacity;
    this.name = kind;
    this.blockPages = Math.max(1, BLOCK_BYTES / checkPageSize(pageSize));
    const most = kind === 'tree' ? CHUNK_BLOCKS * this.blockPages : this.blockPages;
    this.overshoot = Math.min(capacity, most) - 1;
    this.blocks = new Groups(capacity);
    this.chunks = new Groups(capacity);
    this.order = new IdQueues(capacity, 1);
    this.spans = new Uint8Array(capacity);
  }

  get size(): number {
    return this.tracked;
  }

  get bytes(): number {
    return this.blocks.bytes + this.chunks.bytes + this.order.bytes + this.spans.byteLength;
  }

  insert(ids: Uint32Array, count: number, pages?: Float64Array): void {
    checkFrames(ids, count, this.capacity);
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (this.blocks.of(id) !== NONE) {
        this.access(id);
        continue;
      }
      this.tracked++;
      const page = pages === undefined ? NaN : pages[i]!;
      const number = Number.isNaN(page) ? (-1 - id) * CHUNK_BLOCKS : Math.floor(page / this.blockPages);
      const block = this.blocks.add(id, number);
      if (this.blocks.size(block) > 1) this.access(id);
      else this.addBlock(block, number);
    }
  }

  touch(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.blocks.of(ids[i]!) !== NONE) this.access(ids[i]!);
  }

  remove(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.blocks.of(ids[i]!) !== NONE) this.drop(ids[i]!);
  }

  victims(out: Uint32Array, count: number, flags: Uint8Array): number {
    this.out = out;
    this.flags = flags;
    this.taken = 0;
    for (let chunk = this.order.first(0); chunk !== NONE && this.taken < count;) {
      const younger = this.order.next(chunk);
      while (this.order.of(chunk) !== NONE && this.taken < count && this.takeFrom(chunk));
      chunk = younger;
    }
    return this.taken;
  }

  private addBlock(block: number, number: number): void {
    const chunk = this.chunks.add(block, Math.floor(number / CHUNK_BLOCKS));
    if (this.order.of(chunk) === NONE) {
      this.spans[chunk] = 1;
      this.order.push(0, chunk);
    } else {
      this.order.moveTo(0, chunk);
    }
    const leaf = number - Math.floor(number / CHUNK_BLOCKS) * CHUNK_BLOCKS;
    while (this.spans[chunk]! <= leaf) this.spans[chunk]! *= 2;
  }

  private access(id: number): void {
    const block = this.blocks.of(id);
    this.chunks.moveLast(block);
    this.order.moveTo(0, this.chunks.of(block));
  }

  private drop(id: number): void {
    this.tracked--;
    const block = this.blocks.remove(id);
    if (this.blocks.size(block) > 0) return;
    const chunk = this.chunks.remove(block);
    if (this.chunks.size(chunk) === 0) this.order.remove(chunk);
  }

  /** Gives up the first block of a chunk that is not blocked, and with `tree` what follows from that. Returns whether there was one. */
  private takeFrom(chunk: number): boolean {
    const before = this.taken;
    for (let block = this.chunks.first(chunk); block !== NONE && this.taken === before;) {
      const next = this.chunks.next(block);
      this.takeBlock(block);
      block = next;
    }
    if (this.taken === before) return false;
    if (this.name === 'tree' && this.order.of(chunk) !== NONE) this.balance(chunk);
    return true;
  }

  /** Gives up what is not blocked of a block; returns whether nothing is left. */
  private takeBlock(block: number): boolean {
    let left = 0;
    for (let id = this.blocks.first(block); id !== NONE;) {
      const next = this.blocks.next(id);
      if ((this.flags[id]! & FRAME_BLOCKED) === 0 && this.taken < this.out.length) {
        this.out[this.taken++] = id;
        this.drop(id);
      } else {
        left++;
      }
      id = next;
    }
    return left === 0;
  }

  private balance(chunk: number): void {
    const { leaves, chunks } = this;
    const span = this.spans[chunk]!;
    const base = chunks.numberOf(chunk) * CHUNK_BLOCKS;
    leaves.fill(NONE);
    for (let block = chunks.first(chunk); block !== NONE; block = chunks.next(block))
      leaves[this.blocks.numberOf(block) - base] = block;
    this.balanceNode(0, span);
  }

  /** Balances a node of `size` leaves and what is below it; returns how many leaves have something left. */
  private balanceNode(start: number, size: number): number {
    if (size === 1) return Number(this.leaves[start] !== NONE);
    const half = size / 2;
    const valid = this.balanceNode(start, half) + this.balanceNode(start + half, half);
    if (valid === 0 || valid * 2 >= size) return valid;
    let left = 0;
    for (let leaf = start; leaf < start + size; leaf++) {
      if (this.leaves[leaf] === NONE) continue;
      if (this.takeBlock(this.leaves[leaf]!)) this.leaves[leaf] = NONE;
      else left++;
    }
    return left;
  }
}
