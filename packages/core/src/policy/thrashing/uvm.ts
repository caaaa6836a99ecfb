import { PageIndex } from '../eviction/page-index.js';
import type { Place } from '../placement/index.js';
import type { ThrashingHint, ThrashingPolicy } from './types.js';

/** The parameters of NVIDIA's driver (module parameters `uvm_perf_thrashing_*`), with its defaults. */
export interface UvmThrashingOptions {
  /** Microseconds between two events of a page that make it suspicious, > 0. Default 500. */
  readonly lapseUs?: number;
  /** Such events in a row after which a page thrashes, ≥ 1. Default 3. */
  readonly threshold?: number;
  /** Times in a row that a page is throttled before it is pinned, ≥ 1. Default 10. */
  readonly pinThreshold?: number;
  /** Lapses that one processor has a page to itself, ≥ 1. Default 1. */
  readonly nap?: number;
  /** Lapses after which all is forgotten that is known of a page, ≥ 1. Default 2000. */
  readonly epoch?: number;
  /** Lapses that a page stays pinned, ≥ 1. Default 300. */
  readonly pin?: number;
  /** Times that a page is forgotten; after that it thrashes for good, ≥ 0. Default 4. */
  readonly maxResets?: number;
  /** Pages watched at once; the one watched longest is forgotten for another, ≥ 1. Default 4096. */
  readonly pages?: number;
}

/** The lapse moves by an eighth when so many more events would have wanted it longer than shorter, or the other way, within bounds in microseconds. */
const [VOTES, STEP, SHORTEST, LONGEST] = [32, 1 / 8, 5, 500_000];
const NONE = -1;
const NOBODY = -2;

/**
 * Thrashing detection of NVIDIA's UVM driver (open-gpu-kernel-modules, uvm_perf_thrashing). Events of a page that follow each other within the lapse are counted; from the third on it thrashes. Processors that
 * want it then are throttled, so that the one that has it gets something done: that one is exempt for a nap, and then another. After ten throttles the page is pinned where it is for
 * 300 lapses. The driver learns the lapse; here an event that comes after one to two lapses votes for a longer one, and one within a quarter for a shorter one.
 */
export class UvmThrashing implements ThrashingPolicy {
  readonly name = 'uvm';
  private lapse: number;
  private readonly options: Required<UvmThrashingOptions>;
  private readonly index: PageIndex;
  private made = 0;
  private next = 0;
  private votes = 0;
  /** By node: when the last event was, when watching began, how many events in a row, throttles, resets, and who is exempt, or has it pinned, until when. */
  private readonly lasts: Float64Array;
  private readonly starts: Float64Array;
  private readonly events: Uint16Array;
  private readonly throttles: Uint16Array;
  private readonly resets: Uint16Array;
  private readonly exempt: Int32Array;
  private readonly napEnds: Float64Array;
  private readonly pinned: Int32Array;
  private readonly pinEnds: Float64Array;
  private readonly answer = { kind: 'none' as ThrashingHint['kind'], place: NOBODY, until: 0 };

  /** @throws RangeError when a parameter is out of range */
  constructor(options: UvmThrashingOptions = {}) {
    const { lapseUs = 500, threshold = 3, pinThreshold = 10, nap = 1, epoch = 2000, pin = 300 } = options;
    const { maxResets = 4, pages = 4096 } = options;
    this.options = { lapseUs, threshold, pinThreshold, nap, epoch, pin, maxResets, pages };
    for (const [name, value] of Object.entries(this.options)) {
      const least = name === 'maxResets' ? 0 : name === 'lapseUs' ? Number.MIN_VALUE : 1;
      const most = name === 'pages' ? 2 ** 24 : 65_535;
      const whole = name === 'lapseUs' || Number.isInteger(value);
      if (!(whole && value >= least && value <= most))
        throw new RangeError(`${name} must lie in ${least === 0 ? 0 : 1} to ${most}, got ${String(value)}`);
    }
    this.lapse = lapseUs;
    this.index = new PageIndex(pages);
    this.lasts = new Float64Array(pages);
    this.starts = new Float64Array(pages);
    this.events = new Uint16Array(pages);
    this.throttles = new Uint16Array(pages);
    this.resets = new Uint16Array(pages);
    this.exempt = new Int32Array(pages).fill(NOBODY);
    this.napEnds = new Float64Array(pages);
    this.pinned = new Int32Array(pages).fill(NOBODY);
    this.pinEnds = new Float64Array(pages);
  }

  /** The lapse at present, in microseconds. */
  get lapseUs(): number {
    return this.lapse;
  }

  note(page: number, _place: Place, now: number): void {
    const { options, lapse } = this;
    const node = this.index.find(page);
    if (node === NONE) {
      this.watch(page, now);
      return;
    }
    const since = now - this.lasts[node]!;
    this.lasts[node] = now;
    this.vote(since);
    const mayForget = this.resets[node]! < options.maxResets;
    if (mayForget && now - this.starts[node]! > options.epoch * lapse) {
      this.clear(node, now);
      this.resets[node]!++;
      return;
    }
    if (since <= lapse) this.events[node] = Math.min(65_535, this.events[node]! + 1);
    else if (this.events[node]! < options.threshold) this.events[node] = 0;
  }

  hint(page: number, place: Place, now: number): ThrashingHint {
    const node = this.index.find(page);
    if (node === NONE || this.events[node]! < this.options.threshold) return this.say('none', NOBODY, 0);
    const { nap, pin, pinThreshold } = this.options;
    if (this.pinned[node] !== NOBODY) {
      if (now < this.pinEnds[node]!) return this.say('pin', this.pinned[node]!, this.pinEnds[node]!);
      this.pinned[node] = NOBODY;
      this.throttles[node] = 0;
    }
    if (this.exempt[node] === NOBODY || now >= this.napEnds[node]!) {
      // Whoever comes first after a nap is the next that nobody may disturb.
      this.exempt[node] = place;
      this.napEnds[node] = now + nap * this.lapse;
      return this.say('none', NOBODY, 0);
    }
    if (this.exempt[node] === place) return this.say('none', NOBODY, 0);
    if (++this.throttles[node]! < pinThreshold) return this.say('throttle', this.exempt[node]!, this.napEnds[node]!);
    this.pinned[node] = this.exempt[node]!;
    this.pinEnds[node] = now + pin * this.lapse;
    return this.say('pin', this.pinned[node], this.pinEnds[node]);
  }

  isThrashing(page: number, now: number): boolean {
    const node = this.index.find(page);
    if (node === NONE || this.events[node]! < this.options.threshold) return false;
    const { epoch, maxResets } = this.options;
    return this.resets[node]! >= maxResets || now - this.lasts[node]! <= epoch * this.lapse;
  }

  private watch(page: number, now: number): void {
    const full = this.made === this.options.pages;
    const node = full ? this.next : this.made++;
    if (full) {
      this.index.delete(node);
      this.next = (this.next + 1) % this.options.pages;
    }
    this.index.add(node, page);
    this.clear(node, now);
    this.resets[node] = 0;
    this.lasts[node] = now;
  }

  private clear(node: number, now: number): void {
    this.starts[node] = now;
    this.events[node] = 1;
    this.throttles[node] = 0;
    this.exempt[node] = NOBODY;
    this.pinned[node] = NOBODY;
  }

  private vote(since: number): void {
    const { lapse } = this;
    if (since > lapse && since <= 2 * lapse) this.votes++;
    else if (since <= lapse / 4) this.votes--;
    if (Math.abs(this.votes) < VOTES) return;
    const changed = lapse * (this.votes > 0 ? 1 + STEP : 1 - STEP);
    this.lapse = Math.min(LONGEST, Math.max(SHORTEST, changed));
    this.votes = 0;
  }

  private say(kind: ThrashingHint['kind'], place: Place, until: number): ThrashingHint {
    this.answer.kind = kind;
    this.answer.place = place;
    this.answer.until = until;
    return this.answer;
  }
}
