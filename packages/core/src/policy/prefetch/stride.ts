import { Proposals } from './proposals.js';
import type { PrefetchPolicy, PrefetchRequest } from './types.js';

const DEFAULT_DISTANCE = 16;
/** Regions whose faults are followed at a time. */
const REGIONS = 8;
/** Distances remembered a region: Leap's history. */
const HISTORY = 32;
/** The newest distances that are looked at first; then twice as many, up to all. */
const FIRST_LOOK = 4;

/**
 * Follows a stride: looks for the distance between faults that most of the latest ones have, and brings what lies ahead in steps of it. The
 * majority is found as in Leap (Al Maruf and Chowdhury, "Effectively prefetching remote memory with Leap", USENIX ATC 2020, algorithm 1): by Boyer and Moore's vote over
 * few of the newest distances, and over twice as many as long as there is none. So single faults from elsewhere do not disturb it, and where there is no
 * stride it brings nothing. Faults of one batch count as having come in the order of their addresses.
 */
export class StridePrefetch implements PrefetchPolicy {
  readonly name = 'stride';
  private readonly distance: number;
  private readonly proposals = new Proposals();
  private readonly starts = new Float64Array(REGIONS).fill(-1);
  private readonly lasts = new Float64Array(REGIONS);
  private readonly counts = new Uint32Array(REGIONS);
  private readonly distances = new Float64Array(REGIONS * HISTORY);
  private next = 0;

  /**
   * @param distance steps to bring ahead of the last fault
   * @throws RangeError when `distance` is no positive integer
   */
  constructor(distance = DEFAULT_DISTANCE) {
    if (!Number.isSafeInteger(distance) || distance < 1)
      throw new RangeError(`distance must be a positive number of steps, got ${distance}`);
    this.distance = distance;
  }

  plan(request: PrefetchRequest, out: Float64Array): number {
    const { faults, count, regionStart } = request;
    if (count === 0) return 0;
    const region = this.find(regionStart, faults[0]!);
    for (let i = 0; i < count; i++) {
      const page = faults[i]!;
      if (page !== this.lasts[region]) this.note(region, page - this.lasts[region]!);
      this.lasts[region] = page;
    }
    const stride = this.majority(region);
    this.proposals.clear();
    if (stride === 0) return 0;
    for (let step = 1; step <= this.distance; step++) this.proposals.add(this.lasts[region]! + step * stride);
    return this.proposals.writeTo(out, request);
  }

  /** The place of a region's history; a new one replaces the oldest. */
  private find(start: number, fault: number): number {
    const known = this.starts.indexOf(start);
    if (known >= 0) return known;
    const region = this.next;
    this.next = (region + 1) % REGIONS;
    this.starts[region] = start;
    this.lasts[region] = fault;
    this.counts[region] = 0;
    return region;
  }

  private note(region: number, distance: number): void {
    this.distances[region * HISTORY + (this.counts[region]!++ % HISTORY)] = distance;
  }

  /** The distance that more than half of the newest ones are; 0 where there is none. */
  private majority(region: number): number {
    const most = Math.min(HISTORY, this.counts[region]!);
    for (let look = FIRST_LOOK; look <= HISTORY; look *= 2) {
      if (look > most) break;
      const found = this.vote(region, look);
      if (found !== 0) return found;
    }
    return 0;
  }

  private vote(region: number, look: number): number {
    const newest = this.counts[region]! - 1;
    const at = (i: number) => this.distances[region * HISTORY + ((newest - i) % HISTORY)]!;
    let candidate = 0;
    let votes = 0;
    for (let i = 0; i < look; i++) {
      if (votes === 0) candidate = at(i);
      votes += at(i) === candidate ? 1 : -1;
    }
    let supporters = 0;
    for (let i = 0; i < look; i++) supporters += Number(at(i) === candidate);
    return supporters * 2 > look ? candidate : 0;
  }
}
