import type { PrefetchRequest } from './types.js';

/** Most proposals of one plan. */
const MOST = 8192;

/** Collects pages in any order, as often as it comes, and gives them out as a plan has to be. Beyond 8,192 the rest is left out. */
export class Proposals {
  private readonly pages = new Float64Array(MOST);
  private count = 0;

  /** Forgets what was proposed. */
  clear(): void {
    this.count = 0;
  }

  /** Proposes a page. */
  add(page: number): void {
    if (this.count < MOST) this.pages[this.count++] = page;
  }

  /** Writes what lies in the region and is neither faulted nor resident to `out`, sorted and each once, as far as there is room; returns how many. */
  writeTo(out: Float64Array, request: PrefetchRequest): number {
    const { faults, count: faulted, regionStart, regionEnd } = request;
    const limit = Math.min(request.room, out.length);
    const pages = this.pages.subarray(0, this.count).sort();
    let planned = 0;
    let fault = 0;
    let last = -1;
    for (let i = 0; i < pages.length && planned < limit; i++) {
      const page = pages[i]!;
      if (page === last || page < regionStart || page >= regionEnd) continue;
      last = page;
      while (fault < faulted && faults[fault]! < page) fault++;
      if ((fault < faulted && faults[fault] === page) || request.resident(page)) continue;
      out[planned++] = page;
    }
    return planned;
  }
}
