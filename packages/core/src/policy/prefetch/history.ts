import { Proposals } from './proposals.js';
import type { PrefetchPolicy, PrefetchRequest } from './types.js';

/** Pages whose successors are remembered; a power of two. */
const DEFAULT_PLACES = 1 << 14;
const DEPTH = 16;
const MOST_CONFIDENCE = 3;
const NONE = -1;

/**
 * Learns which page faults after which, and when a page faults again, in a later launch maybe, brings those that followed it then: a Markov predictor of first order with one
 * successor (Joseph and Grunwald, "Prefetching using Markov predictors", ISCA 1997), whose two-bit confidence keeps single deviations from overwriting what was learnt. What it
 * brings does not fault, so it counts as having followed. Faults of one batch count as having come in the order of their addresses. 17 bytes a page remembered.
 */
export class HistoryPrefetch implements PrefetchPolicy {
  readonly name = 'history';
  private readonly pages: Float64Array;
  private readonly successors: Float64Array;
  private readonly confidence: Uint8Array;
  private readonly proposals = new Proposals();
  private last = NONE;

  /**
   * @param places pages whose successors are remembered; rounded up to a power of two
   * @throws RangeError when `places` is no integer in 1 … 2 ** 24
   */
  constructor(places = DEFAULT_PLACES) {
    if (!Number.isSafeInteger(places) || places < 1 || places > 2 ** 24)
      throw new RangeError(`places must be an integer from 1 to 2^24, got ${places}`);
    const length = 2 ** Math.ceil(Math.log2(places));
    this.pages = new Float64Array(length).fill(NONE);
    this.successors = new Float64Array(length);
    this.confidence = new Uint8Array(length);
  }

  plan(request: PrefetchRequest, out: Float64Array): number {
    const { faults, count } = request;
    this.proposals.clear();
    for (let i = 0; i < count; i++) {
      this.learn(this.last, faults[i]!);
      this.last = faults[i]!;
    }
    for (let i = 0; i < count; i++) {
      let page = faults[i]!;
      for (let step = 0; step < DEPTH; step++) {
        const next = this.successorOf(page);
        if (next === NONE || next === faults[i]) break;
        this.proposals.add(next);
        page = next;
      }
      if (i === count - 1) this.last = page;
    }
    return this.proposals.writeTo(out, request);
  }

  private successorOf(page: number): number {
    const place = this.placeOf(page);
    return this.pages[place] === page && this.confidence[place]! > 0 ? this.successors[place]! : NONE;
  }

  private learn(page: number, next: number): void {
    if (page === NONE || page === next) return;
    const place = this.placeOf(page);
    if (this.pages[place] === page && this.successors[place] === next) {
      if (this.confidence[place]! < MOST_CONFIDENCE) this.confidence[place]!++;
    } else if (this.pages[place] === page && this.confidence[place]! > 1) {
      this.confidence[place]!--;
    } else {
      this.pages[place] = page;
      this.successors[place] = next;
      this.confidence[place] = 1;
    }
  }

  private placeOf(page: number): number {
    const mixed = Math.imul((page | 0) ^ ((page / 2 ** 32) | 0), 0x9e3779b1);
    return (mixed ^ (mixed >>> 15)) & (this.pages.length - 1);
  }
}
