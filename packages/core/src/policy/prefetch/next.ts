import type { PrefetchPolicy, PrefetchRequest } from './types.js';

const DEFAULT_DISTANCE = 16;

/** Brings the pages that follow each faulted one. */
export class NextPrefetch implements PrefetchPolicy {
  readonly name = 'next';
  private readonly distance: number;

  /**
   * @param distance pages to bring after each faulted one
   * @throws RangeError when `distance` is no positive integer
   */
  constructor(distance = DEFAULT_DISTANCE) {
    if (!Number.isSafeInteger(distance) || distance < 1) {
      throw new RangeError(`distance must be a positive number of pages, got ${distance}`);
    }
    this.distance = distance;
  }

  plan(request: PrefetchRequest, out: Float64Array): number {
    const { faults, count, regionEnd } = request;
    const limit = Math.min(request.room, out.length);
    let planned = 0;
    for (let i = 0; i < count; i++) {
      // The next fault looks after the pages behind it, which also keeps the result sorted and unique.
      const nextFault = i + 1 < count ? faults[i + 1]! : regionEnd;
      const stop = Math.min(faults[i]! + this.distance + 1, nextFault, regionEnd);
      for (let page = faults[i]! + 1; page < stop; page++) {
        if (planned >= limit) return planned;
        if (!request.resident(page)) out[planned++] = page;
      }
    }
    return planned;
  }
}
