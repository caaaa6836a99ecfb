import type { PrefetchPolicy, PrefetchRequest } from './types.js';

/** Places for sequences; a power of two. */
const PLACES = 1024;
const FIRST_WINDOW = 4;
const LARGEST = 512;
/** Windows, as long as they may be, after which it is decided whether they may reach further or less far. */
const PERIOD = 16;
/** Sequences that go on without being followed, after which it is tried again. */
const PATIENCE = 1024;
const NONE = -1;

/**
 * Brings what follows in sequence, and more the longer a sequence goes on, as Linux reads files ahead (Wu, Xi and Xu, "On the design of a new Linux readahead
 * framework", ACM SIGOPS Operating Systems Review 42(5), 2008): a fault at the very page behind what was brought last says that all of that was used, and doubles
 * the window; a fault anywhere else begins a new sequence, and brings nothing. How far a window may grow follows from the share of what was brought that
 * turned out to be used so: where less than half is, the limit is halved, down to nothing but for a try now and then; where more than three quarters are, it is doubled.
 */
export class AdaptivePrefetch implements PrefetchPolicy {
  readonly name = 'adaptive';
  /** By place: the page at which a sequence would go on, and how many were brought before it. */
  private readonly nexts = new Float64Array(PLACES).fill(NONE);
  private readonly windows = new Uint16Array(PLACES);
  private limit = 64;
  private brought = 0;
  private used = 0;
  /** Sequences that went on while the limit was too small for any window. */
  private missed = 0;

  plan(request: PrefetchRequest, out: Float64Array): number {
    const { faults, count, regionEnd } = request;
    const most = Math.min(request.room, out.length);
    let planned = 0;
    /** Up to here pages are proposed or faulted, by the sequence of an earlier fault of this batch. */
    let done = 0;
    for (let i = 0; i < count; i++) {
      const page = faults[i]!;
      if (page < done) continue;
      const window = this.windowAt(page);
      const stop = Math.min(page + 1 + window, regionEnd);
      let fault = i + 1;
      let brought = 0;
      let at = page + 1;
      for (; at < stop; at++) {
        while (fault < count && faults[fault]! < at) fault++;
        if ((fault < count && faults[fault] === at) || request.resident(at)) continue;
        if (planned >= most) break;
        out[planned++] = at;
        brought++;
      }
      done = at;
      this.expect(at, brought);
    }
    return planned;
  }

  /** The window of a fault: 0 where it goes on with no sequence. */
  private windowAt(page: number): number {
    const place = placeOf(page);
    if (this.nexts[place] !== page) return 0;
    const before = this.windows[place]!;
    this.nexts[place] = NONE;
    this.used += before;
    if (this.limit < FIRST_WINDOW) {
      // Sequences there are: after many it is worth a try.
      if (++this.missed % PATIENCE === 0) this.limit = FIRST_WINDOW;
      return 0;
    }
    return Math.min(this.limit, Math.max(FIRST_WINDOW, 2 * before));
  }

  private expect(page: number, brought: number): void {
    const place = placeOf(page);
    this.nexts[place] = page;
    this.windows[place] = brought;
    this.brought += brought;
    if (this.brought < PERIOD * this.limit) return;
    if (this.used * 2 < this.brought) this.limit = Math.floor(this.limit / 2);
    else if (this.used * 4 > this.brought * 3) this.limit = Math.min(LARGEST, this.limit * 2);
    this.brought = this.used = 0;
  }
}

function placeOf(page: number): number {
  const mixed = Math.imul((page | 0) ^ ((page / 2 ** 32) | 0), 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) & (PLACES - 1);
}
