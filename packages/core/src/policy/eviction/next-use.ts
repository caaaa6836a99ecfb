import { checkPageSize } from '../../address/index.js';
import { checkCapacity, checkFrames } from './check-frames.js';
import { FRAME_BLOCKED } from './frame-flags.js';
import { NONE } from './id-queues.js';
import type { EvictionPolicy } from './types.js';
import { UseTimes } from './use-times.js';

const UNIT_BYTES = 64 * 1024;
/** Units compared for each one given up. */
const SAMPLES = 48;
/** Units thought of for each question which frames to look at, and frames looked at of one. */
const TRIES = 256;
const FRAMES_A_UNIT = 2;
/** Share of the frames that were used last, which stay since what is in flight may need them again. */
const GRACE = 1 / 48;
/** The share is larger where batches have few faults: by so many times, divided by one more than the faults of a batch. And over how many batches these are counted. */
const [FEW, MEMORY] = [1.5, 8];
/** What has been used within so many uses stays in any case, as far as it is no more than a share of the frames. */
const [LEAST_GRACE, MOST_GRACE] = [128, 1 / 4];
/** What a unit that is late by some time counts as, beside one that is not needed for that time. */
const LATE = 1 / 4;
/** For how long, as a share of the frames, a unit that was brought ahead may wait for its first use. */
const UNUSED_SHARE = 1 / 2;

const REASONS = [
  'next use far off',
  'expected use did not come',
  'oldest',
  'nothing older',
  'brought ahead and not used',
] as const;
const [FAR, LATE_USE, OLDEST, RECENT, UNUSED] = [0, 1, 2, 3, 4];

/**
 * Gives up units of 64 KiB by when they are expected to be used next: the one that is used last, or, as far, the one that should have been used long ago. A unit's next
 * use is expected after the time that lay between its earlier ones, also over its absence; time is counted in uses of pages. So of a loop that does not
 * fit, what was just used goes first, and part of it stays; what is used often stays; and what a phase no longer uses is late, and goes. As long as nothing came back
 * the oldest goes.
 *
 * By the estimated time remaining of Shah, Jain and Lin, "Effective mimicry of Belady's MIN policy" (Mockingjay), HPCA 2022, with units of address space for what they
 * know by the program counter; the candidates are a sample, as in Redis. Uses show by faults, and by the accessed bits of the frames it asks about.
 * It takes 22 to 32 bytes a frame, by the number of frames, where units of 16 pages are full, 87 to 161 where each has one page, and 162 to 311 where a page is a unit.
 */
export class NextUseEviction implements EvictionPolicy {
  readonly name = 'next-use';
  readonly reasons: readonly string[] = REASONS;
  readonly overshoot: number;
  private readonly capacity: number;
  private readonly unitPages: number;
  private readonly units: UseTimes;
  /** By frame: 1 once its accessed bit was read and cleared since it was filled. */
  private readonly looked: Uint8Array;
  /** Uses of pages after which a unit may be given up, and within which two uses are one. */
  private grace = 0;
  private short = 0;
  /** Faults of a batch, lately. */
  private usualCount = 64;
  private state = 1;
  /** Why the unit found by `worst` goes. */
  private why = OLDEST;

  /**
   * @param pageSize in bytes; pages of 64 KiB or more are units of their own
   * @throws TypeError or RangeError for a bad capacity or page size
   */
  constructor(capacity: number, pageSize: number) {
    checkCapacity(capacity);
    this.capacity = capacity;
    this.unitPages = Math.max(1, UNIT_BYTES / checkPageSize(pageSize));
    this.overshoot = Math.max(0, Math.min(capacity, this.unitPages) - 1);
    this.units = new UseTimes(capacity, this.unitPages);
    this.looked = new Uint8Array(capacity);
    this.reckon();
  }

  get size(): number {
    return this.units.frames;
  }

  get bytes(): number {
    return this.units.bytes + this.looked.byteLength;
  }

  insert(ids: Uint32Array, count: number, pages?: Float64Array, ahead?: Uint8Array): void {
    checkFrames(ids, count, this.capacity);
    const { units, unitPages } = this;
    let asked = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      let unit = units.of(id);
      if (unit === NONE) {
        const page = pages === undefined ? NaN : pages[i]!;
        unit = units.add(id, Number.isNaN(page) ? -1 - id : Math.floor(page / unitPages));
        const isAhead = ahead !== undefined && ahead[i] === 1;
        // The bit of a page that was asked for is that of the access which it came for.
        this.looked[id] = Number(isAhead);
        if (isAhead) continue;
      }
      units.use(unit, this.short);
      asked++;
    }
    this.usualCount += (asked - this.usualCount) / MEMORY;
    this.reckon();
  }

  touch(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const unit = this.units.of(ids[i]!);
      if (unit === NONE) continue;
      if (this.looked[ids[i]!] === 1) this.units.use(unit, this.short);
      this.looked[ids[i]!] = 1;
    }
  }

  remove(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.units.of(ids[i]!) !== NONE) this.units.remove(ids[i]!);
  }

  victims(out: Uint32Array, count: number, flags: Uint8Array, _coming?: Float64Array, why?: Uint8Array): number {
    let taken = 0;
    while (taken < count && this.units.count > 0) {
      const unit = this.worst(flags);
      if (unit === NONE) return this.takeAny(out, taken, count, flags, why);
      taken = this.take(unit, out, taken, out.length, flags, why, this.why);
    }
    return taken;
  }

  candidates(out: Uint32Array, count: number): number {
    const { units } = this;
    let found = 0;
    for (let tries = Math.min(TRIES, units.count); tries > 0 && found < count; tries--) {
      const unit = units.at(this.below(units.count));
      const age = units.age(unit);
      const gap = units.gap(unit);
      if (!units.isUnused(unit) && gap !== 0 && age < 0.75 * gap && age < this.grace) continue;
      if (!units.look(unit)) continue;
      let id = units.first(unit);
      for (let some = FRAMES_A_UNIT; id !== NONE && some > 0 && found < count; some--, id = units.next(id))
        out[found++] = id;
    }
    return found;
  }

  /** The unit of a sample that is to go first, but for those whose first frame is blocked; NONE where all of them are. */
  private worst(flags: Uint8Array): number {
    const { units } = this;
    const { count } = units;
    const all = count <= SAMPLES;
    let worst = NONE;
    let most = -Infinity;
    for (let i = 0; i < Math.min(count, SAMPLES); i++) {
      const unit = units.at(all ? i : this.below(count));
      if ((flags[units.first(unit)]! & FRAME_BLOCKED) !== 0) continue;
      const score = this.score(unit);
      if (score <= most) continue;
      most = score;
      worst = unit;
    }
    if (worst !== NONE) this.why = this.reasonFor(worst);
    return worst;
  }

  /** The greater, the sooner it goes. */
  private score(unit: number): number {
    const { capacity } = this;
    if (this.units.isUnused(unit)) {
      const since = this.units.sinceComing(unit);
      return since < UNUSED_SHARE * capacity ? since - 2 * capacity : since + 4 * capacity;
    }
    const age = this.units.age(unit);
    const gap = this.units.gap(unit);
    if (gap === 0) return age;
    if (age < this.grace) return age - capacity;
    return gap < age ? (age - gap) * LATE : gap - age;
  }

  private reckon(): void {
    const share = GRACE * (1 + FEW / (1 + this.usualCount));
    this.grace = Math.max(share * this.capacity, Math.min(LEAST_GRACE, MOST_GRACE * this.capacity));
    this.short = this.grace * 4;
  }

  private reasonFor(unit: number): number {
    const age = this.units.age(unit);
    const gap = this.units.gap(unit);
    if (this.units.isUnused(unit)) return UNUSED;
    if (gap === 0) return OLDEST;
    if (age < this.grace) return RECENT;
    return gap < age ? LATE_USE : FAR;
  }

  private take(
    unit: number,
    out: Uint32Array,
    taken: number,
    most: number,
    flags: Uint8Array,
    why: Uint8Array | undefined,
    reason: number,
  ): number {
    const { units } = this;
    for (let id = units.first(unit); id !== NONE && taken < most;) {
      const next = units.next(id);
      if ((flags[id]! & FRAME_BLOCKED) === 0) {
        if (why !== undefined) why[taken] = reason;
        out[taken++] = id;
        units.remove(id);
      }
      id = next;
    }
    return taken;
  }

  /** Looks at all frames. */
  private takeAny(out: Uint32Array, from: number, count: number, flags: Uint8Array, why?: Uint8Array): number {
    let taken = from;
    for (let i = this.units.count - 1; i >= 0 && taken < count; i--)
      taken = this.take(this.units.at(i), out, taken, count, flags, why, RECENT);
    return taken;
  }

  /** A number in 0 … below - 1 (Numerical Recipes' congruences, by their high bits). */
  private below(below: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) | 0;
    return Math.floor(((this.state >>> 0) / 2 ** 32) * below);
  }
}
