import { checkPageSize } from '../../address/index.js';
import { BlockRates } from './block-rates.js';
import { TreePrefetch } from './tree.js';
import type { PrefetchPolicy, PrefetchRequest } from './types.js';

const UNIT_BYTES = 64 * 1024;
const BIG_BYTES = 256 * 1024;
const BLOCK_BYTES = 2 * 1024 * 1024;
/** Share of the frames that one batch may push out for guesses. */
const EVICTS = 1 / 4;
/** Shares of what was brought ahead that have to turn out used: for units of 64 KiB, for those of 256 KiB, and for whole blocks. */
const [UNITS, BIG, WHOLE] = [0.6, 0.9, 0.95];
/** Pages between two faults that are brought, too, since one transfer costs less than two; and the share that has to turn out used. */
const [GAP, BRIDGES] = [3, 0.5];
/** Where batches have fewer faults, each costs more than what is brought in vain; over so many batches. */
const [FEW, MEMORY] = [16, 16];
/** Where nothing is brought ahead, one in so many times something is, to see whether that has changed. */
const PROBES = 16;

const REASONS = ['a try', 'unit', 'tree', 'block', 'gap'] as const;
const [PROBE, UNIT, TREE, BLOCK, BRIDGE] = [1, 2, 3, 4, 5];
/** A page that faulted. */
const FAULTED = 255;

/**
 * Learns how much to bring, for each 2 MiB of address space by itself: single pages, units of 64 or 256 KiB round the faults, what the tree of NVIDIA's driver would, or all of the block. It goes by how
 * much of what it brought was used: irregular accesses use little of it, and get single pages; regular ones nearly all, and get large units. The tree and whole blocks are for
 * free memory, and for pages that it meets for the first time: there a guess pushes out nothing that is about to be used. Starts as the tree does.
 */
export class UnitsPrefetch implements PrefetchPolicy {
  readonly name = 'units';
  readonly evicts = EVICTS;
  readonly reasons: readonly string[] = REASONS;
  private readonly blockPages: number;
  private readonly unitPages: number;
  private readonly bigPages: number;
  private readonly tree: TreePrefetch;
  private readonly rates = new BlockRates();
  /** By page of the block at hand: 1 + the reason why it is brought, FAULTED, or 0. */
  private readonly wanted: Uint8Array;
  private readonly planned: Float64Array;
  private readonly part: { -readonly [K in keyof PrefetchRequest]: PrefetchRequest[K] };
  private asked: PrefetchRequest | undefined;
  private turns = 0;
  /** Faults of a batch, lately. */
  private usualCount = FEW;

  /**
   * @param pageSize in bytes; pages of 2 MiB or more are blocks of their own
   * @throws TypeError or RangeError when it is no page size
   */
  constructor(pageSize: number) {
    const pages = (bytes: number) => Math.max(1, bytes / checkPageSize(pageSize));
    this.blockPages = pages(BLOCK_BYTES);
    this.unitPages = pages(UNIT_BYTES);
    this.bigPages = pages(BIG_BYTES);
    this.tree = new TreePrefetch(pageSize);
    this.wanted = new Uint8Array(this.blockPages);
    this.planned = new Float64Array(this.blockPages);
    const resident = (page: number) => this.asked!.resident(page);
    const faults = new Float64Array(this.blockPages);
    this.part = { faults, count: 0, regionStart: 0, regionEnd: 0, room: this.blockPages, resident };
  }

  plan(request: PrefetchRequest, out: Float64Array, why?: Uint8Array): number {
    const { faults, count } = request;
    const limit = Math.min(request.room, out.length);
    let planned = 0;
    this.asked = request;
    this.usualCount += (count - this.usualCount) / MEMORY;
    for (let from = 0; from < count && planned < limit;) {
      const block = Math.floor(faults[from]! / this.blockPages);
      let to = from + 1;
      while (to < count && faults[to]! < (block + 1) * this.blockPages) to++;
      const free = (request.free ?? request.room) - planned;
      this.planBlock(request, block, from, to, free);
      planned = this.write(request, block, out, planned, limit, why);
      from = to;
    }
    return planned;
  }

  feedback(page: number, used: boolean, why: number): void {
    this.rates.note(Math.floor(page / this.blockPages), used, why + 1 === BRIDGE);
  }

  private planBlock(request: PrefetchRequest, block: number, from: number, to: number, free: number): void {
    const { wanted, rates, blockPages } = this;
    const at = rates.place(block);
    const rate = rates.used(at);
    const probes = rate < UNITS && ++this.turns % PROBES === 0;
    const isNew = this.meet(request, at, block, from, to);
    wanted.fill(0);
    for (let i = from; i < to; i++) wanted[request.faults[i]! - block * blockPages] = FAULTED;
    if (rate < UNITS && !probes) {
      // Nothing but the faults.
    } else if (!probes && (isNew || free >= blockPages || this.usualCount < FEW)) {
      if (rate >= WHOLE) this.want(0, blockPages, BLOCK);
      else this.wantTree(request, block, from, to);
    } else {
      const size = rate >= BIG ? this.bigPages : this.unitPages;
      const last = probes ? from + 1 : to;
      for (let i = from; i < last; i++) {
        const leaf = request.faults[i]! - block * blockPages;
        this.want(leaf - (leaf % size), size, probes ? PROBE : UNIT);
      }
    }
    if (rates.bridged(at) >= BRIDGES || ++this.turns % PROBES === 0) this.bridge(request, block, from, to);
  }

  /** Notes the units of the faults as met; returns whether half of the faults' units are new. */
  private meet(request: PrefetchRequest, at: number, block: number, from: number, to: number): boolean {
    let met = 0;
    let fresh = 0;
    for (let i = from, last = -1; i < to; i++) {
      const unit = Math.floor((request.faults[i]! - block * this.blockPages) / this.unitPages);
      if (unit === last) continue;
      last = unit;
      met++;
      if (this.rates.meet(at, unit)) fresh++;
    }
    return fresh * 2 >= met;
  }

  private wantTree(request: PrefetchRequest, block: number, from: number, to: number): void {
    const { part } = this;
    for (let i = from; i < to; i++) part.faults[i - from] = request.faults[i]!;
    part.count = to - from;
    part.regionStart = request.regionStart;
    part.regionEnd = request.regionEnd;
    const count = this.tree.plan(part, this.planned);
    for (let i = 0; i < count; i++) this.want(this.planned[i]! - block * this.blockPages, 1, TREE);
  }

  private bridge(request: PrefetchRequest, block: number, from: number, to: number): void {
    for (let i = from + 1; i < to; i++) {
      const gap = request.faults[i]! - request.faults[i - 1]! - 1;
      if (gap > 0 && gap <= GAP) this.want(request.faults[i - 1]! + 1 - block * this.blockPages, gap, BRIDGE);
    }
  }

  private want(from: number, count: number, why: number): void {
    const end = Math.min(this.blockPages, from + count);
    for (let leaf = from; leaf < end; leaf++) if (this.wanted[leaf] === 0) this.wanted[leaf] = why;
  }

  /** Writes the wanted pages of a block behind what is planned. */
  private write(
    request: PrefetchRequest,
    block: number,
    out: Float64Array,
    planned: number,
    limit: number,
    why: Uint8Array | undefined,
  ): number {
    const { wanted, blockPages, rates } = this;
    const first = block * blockPages;
    const at = rates.place(block);
    const end = Math.min(blockPages, request.regionEnd - first);
    for (let leaf = Math.max(0, request.regionStart - first); leaf < end && planned < limit; leaf++) {
      const reason = wanted[leaf]!;
      if (reason === 0 || reason === FAULTED || request.resident(first + leaf)) continue;
      if (why !== undefined) why[planned] = reason - 1;
      out[planned++] = first + leaf;
      rates.meet(at, Math.floor(leaf / this.unitPages));
    }
    return planned;
  }
}
