import { Groups } from './groups.js';

const FIRST = 64;
/** Units remembered for each that fits. */
const REMEMBERED = 4;
/** Weights of the newest interval: in what is expected of its unit, and of all. */
const [FAST, SLOW] = [3 / 4, 1 / 64];

/**
 * When units of address space were used last, and after how long they tend to be used again, in uses of pages. Of units that are not there the last ones are
 * remembered, each in the one place that its number gives it.
 */
export class UseTimes {
  /** Frames in units. */
  frames = 0;
  /** Units that have frames. */
  count = 0;
  /** Uses of pages. */
  private time = 0;
  /** Pages that came. */
  private came = 0;
  /** How long it takes until units are used again, of all; 0: none was. */
  private usual = 0;
  private readonly groups: Groups;
  /** The units that have frames, in no order, and by unit the place there. */
  private list = new Int32Array(FIRST);
  private places = new Int32Array(FIRST);
  private lasts = new Float64Array(FIRST);
  /** By unit: when a page of it came last. */
  private comings = new Float64Array(FIRST);
  private gaps = new Float32Array(FIRST);
  private looks = new Float64Array(FIRST);
  /** By unit: 1 as long as nobody asked for any of its pages. */
  private unused = new Uint8Array(FIRST);
  private readonly pastNumbers: Float64Array;
  private readonly pastLasts: Float64Array;
  private readonly pastGaps: Float32Array;

  /** @param capacity frames; @param unitPages of a unit */
  constructor(capacity: number, unitPages: number) {
    this.groups = new Groups(capacity);
    const past = 2 ** Math.ceil(Math.log2(Math.max(FIRST, (REMEMBERED * capacity) / unitPages)));
    this.pastNumbers = new Float64Array(past).fill(NaN);
    this.pastLasts = new Float64Array(past);
    this.pastGaps = new Float32Array(past);
  }

  get bytes(): number {
    const { list, places, lasts, comings, gaps, looks, unused, pastNumbers, pastLasts, pastGaps } = this;
    const columns = [list, places, lasts, comings, gaps, looks, unused, pastNumbers, pastLasts, pastGaps];
    return columns.reduce((sum, { byteLength }) => sum + byteLength, this.groups.bytes);
  }

  /** The unit of a frame, or NONE. */
  of(id: number): number {
    return this.groups.of(id);
  }

  /** The first frame of a unit. */
  first(unit: number): number {
    return this.groups.first(unit);
  }

  /** The frame behind another of its unit, or NONE. */
  next(id: number): number {
    return this.groups.next(id);
  }

  /** The unit at a place in 0 … `count - 1`. */
  at(place: number): number {
    return this.list[place]!;
  }

  /** How long ago a unit was used. */
  age(unit: number): number {
    return this.time - this.lasts[unit]!;
  }

  /** After how long it is expected to be used again; 0: nothing is known of any unit. */
  gap(unit: number): number {
    return this.gaps[unit]! || this.usual;
  }

  /** How long ago a page of a unit came. */
  sinceComing(unit: number): number {
    return this.time - this.comings[unit]!;
  }

  /** Whether nobody asked for any of its pages since they came. */
  isUnused(unit: number): boolean {
    return this.unused[unit] === 1;
  }

  /** Notes that a unit is looked at; `false` if it was since the last page came. */
  look(unit: number): boolean {
    if (this.looks[unit] === this.came) return false;
    this.looks[unit] = this.came;
    return true;
  }

  /** Puts a frame, which is in no unit, into that of a number, since its page came; returns the unit. */
  add(id: number, number: number): number {
    const unit = this.groups.add(id, number);
    this.frames++;
    this.came++;
    if (unit >= this.lasts.length) this.grow();
    this.comings[unit] = this.time;
    if (this.groups.size(unit) > 1) return unit;
    this.places[unit] = this.count;
    this.list[this.count++] = unit;
    this.looks[unit] = -1;
    this.unused[unit] = 1;
    const past = this.pastOf(number);
    const known = this.pastNumbers[past] === number;
    this.lasts[unit] = known ? this.pastLasts[past]! : this.time;
    this.gaps[unit] = known ? this.pastGaps[past]! : 0;
    return unit;
  }

  /** Notes a use of a page; what comes within `short` of the last one belongs to the same. */
  use(unit: number, short: number): void {
    this.time++;
    const gap = this.age(unit);
    this.unused[unit] = 0;
    this.lasts[unit] = this.time;
    if (gap <= short) return;
    const known = this.gaps[unit]!;
    this.gaps[unit] = known === 0 ? gap : known + (gap - known) * FAST;
    this.usual = this.usual === 0 ? gap : this.usual + (gap - this.usual) * SLOW;
  }

  /** Takes a frame out of its unit. */
  remove(id: number): void {
    const number = this.groups.numberOf(this.groups.of(id));
    const unit = this.groups.remove(id);
    this.frames--;
    if (this.groups.size(unit) > 0) return;
    const last = this.list[--this.count]!;
    const place = this.places[unit]!;
    this.list[place] = last;
    this.places[last] = place;
    // What has no number of its own never comes back.
    if (number < 0) return;
    const past = this.pastOf(number);
    this.pastNumbers[past] = number;
    this.pastLasts[past] = this.lasts[unit]!;
    this.pastGaps[past] = this.gaps[unit]!;
  }

  private pastOf(number: number): number {
    // Neighbours do not get in each other's way.
    return ((number | 0) ^ Math.imul((number / 2 ** 20) | 0, 0x9e3779b1)) & (this.pastNumbers.length - 1);
  }

  private grow(): void {
    const length = this.lasts.length * 2;
    const list = new Int32Array(length);
    const places = new Int32Array(length);
    const lasts = new Float64Array(length);
    const comings = new Float64Array(length);
    comings.set(this.comings);
    this.comings = comings;
    const gaps = new Float32Array(length);
    const looks = new Float64Array(length);
    const unused = new Uint8Array(length);
    unused.set(this.unused);
    this.unused = unused;
    list.set(this.list);
    places.set(this.places);
    lasts.set(this.lasts);
    gaps.set(this.gaps);
    looks.set(this.looks);
    this.list = list;
    this.places = places;
    this.lasts = lasts;
    this.gaps = gaps;
    this.looks = looks;
  }
}
