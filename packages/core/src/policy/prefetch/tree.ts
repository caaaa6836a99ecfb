import { checkPageSize } from '../../address/index.js';
import { checkEvicts } from './check-evicts.js';
import type { PrefetchPolicy, PrefetchRequest } from './types.js';

const BIG_PAGE_BYTES = 64 * 1024;
const IDLE = 0;
const OCCUPIED = 1;
const WANTED = 2;
/** Thrashing and not here: counts as idle, and stays away. */
const KEPT_AWAY = 3;

/** The parameters of NVIDIA's driver, with its defaults. */
export interface TreeOptions {
  /** A subtree is brought in when more than so many percent of it are occupied: 1 … 100. Default 51 (`uvm_perf_prefetch_threshold`). */
  readonly thresholdPercent?: number;
  /** Faults of one batch in a block without which nothing is brought: 1 … 20. Default 1 (`uvm_perf_prefetch_min_faults`). */
  readonly minFaults?: number;
  /** As {@link PrefetchPolicy.evicts}: NVIDIA's driver makes room for what it brings ahead as for faults, by 1. Default 0. */
  readonly evicts?: number;
  /** Bytes of a block, over which the tree stands: a page size, at least that of the pages. Default 2 MiB. */
  readonly blockBytes?: number;
}

/**
 * The tree prefetcher of NVIDIA's UVM driver (open-gpu-kernel-modules, uvm_perf_prefetch; described by Ganguly et al.,
 * "Interplay between hardware prefetcher and page eviction policy in CPU-GPU unified virtual memory", ISCA 2019).
 *
 * In each block of 2 MiB, what is resident or faulted is laid out as the leaves of a binary tree. Each 64 KiB page with a
 * fault is filled whole. Then, from each faulted page up to the root, the largest subtree of which more than 51 % is
 * occupied is brought in. Subtrees are cut off at the ends of the region, and count only the pages that are left. Pages that
 * thrash are not brought, nor is a 64 KiB page that has one filled.
 */
export class TreePrefetch implements PrefetchPolicy {
  readonly name = 'tree';
  readonly evicts: number;
  private readonly blockPages: number;
  private readonly bigPages: number;
  private readonly thresholdPercent: number;
  private readonly minFaults: number;
  private readonly leaves: Uint8Array;
  /** Leaves of the block before each one that are occupied, as the faults and the big pages left them. */
  private readonly before: Uint16Array;

  /**
   * @param pageSize in bytes; a page of 64 KiB or more is its own big page
   * @throws TypeError or RangeError when it is no page size, or a parameter is out of range
   */
  constructor(pageSize: number, options: TreeOptions = {}) {
    const { thresholdPercent = 51, minFaults = 1, evicts = 0 } = options;
    const { blockBytes = Math.max(2 ** 21, checkPageSize(pageSize)) } = options;
    this.evicts = checkEvicts(evicts);
    checkRange('thresholdPercent', thresholdPercent, 100);
    checkRange('minFaults', minFaults, 20);
    if (checkPageSize(blockBytes) < checkPageSize(pageSize))
      throw new RangeError(`blockBytes must be at least a page of ${pageSize} bytes, got ${blockBytes}`);
    this.thresholdPercent = thresholdPercent;
    this.minFaults = minFaults;
    this.blockPages = blockBytes / pageSize;
    this.bigPages = Math.max(1, BIG_PAGE_BYTES / pageSize);
    this.leaves = new Uint8Array(this.blockPages);
    this.before = new Uint16Array(this.blockPages + 1);
  }

  plan(request: PrefetchRequest, out: Float64Array): number {
    const { faults, count } = request;
    const limit = Math.min(request.room, out.length);
    let planned = 0;
    for (let i = 0; i < count && planned < limit;) {
      const block = Math.floor(faults[i]! / this.blockPages) * this.blockPages;
      let next = i + 1;
      while (next < count && faults[next]! < block + this.blockPages) next++;
      planned = this.planBlock(request, i, next, out, planned, limit);
      i = next;
    }
    return planned;
  }

  /** Plans for `faults[from … to - 1]`, which lie in one block. */
  private planBlock(
    request: PrefetchRequest,
    from: number,
    to: number,
    out: Float64Array,
    planned: number,
    limit: number,
  ): number {
    if (to - from < this.minFaults) return planned;
    const { faults } = request;
    const leaves = this.leaves;
    const block = Math.floor(faults[from]! / this.blockPages) * this.blockPages;
    const first = Math.max(0, request.regionStart - block);
    const end = Math.min(this.blockPages, request.regionEnd - block);
    for (let leaf = first; leaf < end; leaf++) {
      const isIdle = request.thrashing?.(block + leaf) === true ? KEPT_AWAY : IDLE;
      leaves[leaf] = request.resident(block + leaf) ? OCCUPIED : isIdle;
    }
    for (let i = from; i < to; i++) leaves[faults[i]! - block] = OCCUPIED;
    let done = first;
    for (let i = from; i < to; i++) {
      const leaf = faults[i]! - block;
      if (leaf < done) continue;
      done = leaf - (leaf % this.bigPages) + this.bigPages;
      if (!this.anyThrashing(request, block, done - this.bigPages, done, first, end))
        this.want(leaf, this.bigPages, first, end);
    }
    this.countLeaves(first, end);
    done = first;
    for (let i = from; i < to; i++) {
      const leaf = faults[i]! - block;
      // What was the largest subtree for one leaf is the largest for every other leaf in it.
      if (leaf >= done) done = this.want(leaf, this.subtreeOf(leaf, first, end), first, end);
    }
    let written = planned;
    for (let leaf = first; leaf < end && written < limit; leaf++) {
      if (leaves[leaf] === WANTED) out[written++] = block + leaf;
    }
    return written;
  }

  /** Marks the idle leaves of the aligned subtree of `size` leaves that holds `leaf`; returns the leaf after it. */
  private want(leaf: number, size: number, first: number, end: number): number {
    const start = leaf - (leaf % size);
    const stop = Math.min(start + size, end);
    for (let i = Math.max(start, first); i < stop; i++) if (this.leaves[i] === IDLE) this.leaves[i] = WANTED;
    return stop;
  }

  private anyThrashing(
    request: PrefetchRequest,
    block: number,
    from: number,
    to: number,
    first: number,
    end: number,
  ): boolean {
    if (request.thrashing === undefined) return false;
    for (let leaf = Math.max(from, first); leaf < Math.min(to, end); leaf++)
      if (request.thrashing(block + leaf)) return true;
    return false;
  }

  private countLeaves(first: number, end: number): void {
    let occupied = 0;
    for (let leaf = first; leaf < end; leaf++) {
      this.before[leaf] = occupied;
      if (this.leaves[leaf] === OCCUPIED || this.leaves[leaf] === WANTED) occupied++;
    }
    this.before[end] = occupied;
  }

  /** The size in leaves of the largest subtree round `leaf` that is occupied above the threshold; 1 when none is. */
  private subtreeOf(leaf: number, first: number, end: number): number {
    for (let size = this.blockPages; size > 1; size >>= 1) {
      const start = leaf - (leaf % size);
      const low = Math.max(start, first);
      const high = Math.min(start + size, end);
      if ((this.before[high]! - this.before[low]!) * 100 > (high - low) * this.thresholdPercent) return size;
    }
    return 1;
  }
}

function checkRange(what: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new RangeError(`${what} must be an integer from 1 to ${most}, got ${value}`);
}
