import { checkPageSize } from '../../address/index.js';
import type { PrefetchPolicy, PrefetchRequest } from './types.js';
import { UnitRates } from './unit-rates.js';

const UNIT_BYTES = 64 * 1024;
const BLOCK_BYTES = 2 * 1024 * 1024;
/** The sizes that compete, beside single pages. */
const SIZES = [UNIT_BYTES, 256 * 1024, 1024 * 1024, BLOCK_BYTES] as const;
/** Share of the frames that one batch may push out for guesses. */
const EVICTS = 0.9;
/** What a batch of faults, and what a transfer costs beside its bytes, in bytes that the bus moves meanwhile: 45 us and 1.5 us at 12 GB/s. */
const [BATCH_BYTES, TRANSFER_BYTES] = [540_000, 18_000];
/** What a frame is worth that holds a page in vain, beside what pages that are used cost. */
const DISPLACED = 1.4;
/**
 * A page is brought soon enough if it is used before so many others came, as many as came with it, and as many as some batches bring, since uses are noticed after a batch at the earliest; worth nothing
 * after twice that time.
 */
const [SOON, BATCHES] = [1200, 4];
/** The largest unit that pushes others out, as a share of what may be pushed out. */
const MOST = 0.22;
/** The least share that is reckoned with. */
const LEAST = 1 / 100;
/** Pages between two faults that are brought, too, since one transfer costs less than two; and the share that has to turn out used. */
const [GAP, BRIDGES] = [4, 0.2];
/** Over so many of them it is known which share is used. */
const BRIDGE_MEMORY = 256;
/** Over so many batches it is known how many faults they have, and what they bring. */
const MEMORY = 4;
/** One in so many times the next size is tried; gaps, where they do not pay, more often. */
const [PROBES, GAP_PROBES] = [64, 16];

const NAMES = ['unit', 'big unit', 'half block', 'block'] as const;
const REASONS = [...NAMES, ...NAMES.map((name) => `${name}, a try`), 'gap'];
const [TRIES, BRIDGE] = [NAMES.length, 2 * NAMES.length];
/** A page that faulted. */
const FAULTED = 255;

/**
 * Learns how much to bring, for each 2 MiB of address space by itself: single pages, or units of 64 KiB, 256 KiB, 1 MiB or 2 MiB round the faults. It takes what makes a page that is used cheapest: a fault costs its
 * share of a batch and a transfer, and brings as many useful pages as it turned out lately that a unit of that size has; what comes in vain holds frames that others need. Used late counts as in vain: it could have
 * come later, by a fault of its own. So where faults are many at once, or irregular, units are small; where they are few and regular, large; and free memory is filled quickly.
 */
export class UnitsPrefetch implements PrefetchPolicy {
  readonly name = 'units';
  readonly evicts = EVICTS;
  readonly reasons: readonly string[] = REASONS;
  private readonly blockPages: number;
  private readonly unitPages: number;
  /** By size: pages of a unit. */
  private readonly sizes: readonly number[];
  private readonly batchPages: number;
  private readonly transferPages: number;
  private readonly rates: UnitRates;
  /** By page of the block at hand: 1 + the reason why it is brought, FAULTED, or 0. */
  private readonly wanted: Uint8Array;
  private turns = 0;
  /** Faults of a batch, lately. */
  private usualCount = 64;
  /** Pages that a batch brings, lately. */
  private usualPages = 0;
  /** Pages that came. */
  private now = 0;
  /** The share of pages in gaps that was used. */
  private bridged = 0.7;

  /**
   * @param pageSize in bytes; units of no more than a page are single pages
   * @throws TypeError or RangeError when it is no page size
   */
  constructor(pageSize: number) {
    const pages = (bytes: number) => Math.max(1, bytes / checkPageSize(pageSize));
    this.blockPages = pages(BLOCK_BYTES);
    this.unitPages = pages(UNIT_BYTES);
    this.sizes = SIZES.map(pages);
    this.batchPages = BATCH_BYTES / pageSize;
    this.transferPages = TRANSFER_BYTES / pageSize;
    this.rates = new UnitRates(SIZES.length);
    this.wanted = new Uint8Array(this.blockPages);
  }

  plan(request: PrefetchRequest, out: Float64Array, why?: Uint8Array): number {
    const { faults, count } = request;
    const limit = Math.min(request.room, out.length);
    let planned = 0;
    this.usualCount += (count - this.usualCount) / MEMORY;
    for (let from = 0; from < count && planned < limit;) {
      const block = Math.floor(faults[from]! / this.blockPages);
      let to = from + 1;
      while (to < count && faults[to]! < (block + 1) * this.blockPages) to++;
      const at = this.rates.place(block);
      this.planBlock(request, at, block, from, to);
      planned = this.write(request, at, block, out, planned, limit, why);
      this.now += to - from;
      from = to;
    }
    this.usualPages += (planned + count - this.usualPages) / MEMORY;
    return planned;
  }

  feedback(page: number, used: boolean, why: number): void {
    const { rates, sizes, blockPages, unitPages } = this;
    if (why === BRIDGE) {
      this.bridged += (Number(used) - this.bridged) / BRIDGE_MEMORY;
      return;
    }
    const block = Math.floor(page / blockPages);
    const at = rates.place(block);
    const size = why % TRIES;
    const since = rates.since(at, Math.floor((page - block * blockPages) / unitPages), this.now);
    const soon = SOON + sizes[size]! + BATCHES * this.usualPages;
    rates.note(at, size, used ? Math.max(0, Math.min(1, 2 - since / soon)) : 0);
  }

  private planBlock(request: PrefetchRequest, at: number, block: number, from: number, to: number): void {
    const { wanted, blockPages, sizes } = this;
    const { faults } = request;
    const first = block * blockPages;
    wanted.fill(0);
    let runs = 1;
    for (let i = from; i < to; i++) {
      wanted[faults[i]! - first] = FAULTED;
      if (i > from && faults[i] !== faults[i - 1]! + 1) runs++;
    }
    const most = this.mostPages(request);
    const size = this.cheapest(at, runs / (to - from), most);
    const tries = size + 1 < sizes.length && sizes[size + 1]! <= most && ++this.turns % PROBES === 0;
    if (size >= 0) for (let i = from; i < to; i++) this.want(faults[i]! - first, sizes[size]!, size);
    if (tries) this.want(faults[from]! - first, sizes[size + 1]!, TRIES + size + 1);
    if (this.bridged >= BRIDGES || ++this.turns % GAP_PROBES === 0) this.bridge(request, first, from, to);
  }

  /** Pages of the largest unit that is considered: what one pushes out must be a part of the memory. */
  private mostPages({ room, free = room }: PrefetchRequest): number {
    return Math.max(free, (room - free) * MOST);
  }

  /** The size, of up to `most` pages, by which a page that is used is cheapest; -1 for single pages. */
  private cheapest(at: number, runs: number, most: number): number {
    const { sizes, rates, transferPages } = this;
    const batch = this.batchPages / Math.max(1, this.usualCount);
    const single = batch + transferPages * runs + 1;
    let least = single;
    for (let size = 0; size < sizes.length; size++) least = Math.min(least, this.cost(at, size, batch, 0));
    // What has to leave for what comes in vain comes back at that price.
    const vain = DISPLACED * least;
    let best = single;
    let cheapest = -1;
    for (let size = 0; size < sizes.length && sizes[size]! <= most; size++) {
      const cost = this.cost(at, size, batch, vain * (1 - rates.share(at, size)));
      if (cost >= best) continue;
      best = cost;
      cheapest = size;
    }
    return cheapest;
  }

  /** What a page that is used costs, in pages moved, where units of a size come. */
  private cost(at: number, size: number, batch: number, vain: number): number {
    const pages = this.sizes[size]!;
    return (batch + this.transferPages + pages * (1 + vain)) / (pages * Math.max(LEAST, this.rates.share(at, size)));
  }

  private bridge({ faults }: PrefetchRequest, first: number, from: number, to: number): void {
    for (let i = from + 1; i < to; i++) {
      const gap = faults[i]! - faults[i - 1]! - 1;
      if (gap <= 0 || gap > GAP) continue;
      for (let leaf = faults[i - 1]! + 1 - first; leaf < faults[i]! - first; leaf++)
        if (this.wanted[leaf] === 0) this.wanted[leaf] = 1 + BRIDGE;
    }
  }

  /** Wants the unit of `pages` pages round a page. */
  private want(leaf: number, pages: number, why: number): void {
    const start = leaf - (leaf % pages);
    for (let i = start; i < start + pages; i++) if (this.wanted[i] === 0) this.wanted[i] = 1 + why;
  }

  /** Writes the wanted pages of a block behind what is planned. */
  private write(
    request: PrefetchRequest,
    at: number,
    block: number,
    out: Float64Array,
    planned: number,
    limit: number,
    why: Uint8Array | undefined,
  ): number {
    const { wanted, blockPages, unitPages, rates } = this;
    const first = block * blockPages;
    const end = Math.min(blockPages, request.regionEnd - first);
    for (let leaf = Math.max(0, request.regionStart - first); leaf < end && planned < limit; leaf++) {
      const reason = wanted[leaf]!;
      if (reason === 0 || reason === FAULTED || request.resident(first + leaf)) continue;
      if (why !== undefined) why[planned] = reason - 1;
      out[planned++] = first + leaf;
      rates.bring(at, Math.floor(leaf / unitPages), this.now++);
    }
    return planned;
  }
}
