/** Stamps looked at to guess below which one the oldest lie. */
const SAMPLES = 512;
const DIGIT_BITS = 9;
const DIGITS = 1 << DIGIT_BITS;
/** Up to so many stamps an id that is looked for, each stamp gets a place: as much memory as sorting takes. */
const PLACES_AN_ID = 6;

/** Used by one call at a time. */
const samples = new Uint32Array(SAMPLES);
/** By digit: how many stamps have it, then where the next of them goes. */
const places = new Uint32Array(DIGITS);

/**
 * Finds the ids with the smallest stamps, in the order of their stamps, without ordering the others: a few stamps tell about
 * where to cut, and one pass over all takes what lies below. Where that lies close together, the pass puts each id into its
 * stamp's own place; else a radix sort puts them in order (Knuth, TAOCP 3, 5.2.5, algorithm R).
 */
export class Oldest {
  /** The ids found last, smallest stamp first, from the beginning on. */
  ids: Uint32Array = new Uint32Array(0);
  /** The greatest stamp up to which all were found. */
  cut = 0;
  private memory = new Uint32Array(0);

  /** Bytes of its memory. */
  get bytes(): number {
    return this.memory.byteLength;
  }

  /**
   * Finds about `count` ids, and at least half as many, into `ids`; returns how many. Stamps are different numbers in
   * `first` … `last`, which is below 2^31, 0 stands for none; `total`, which is not less than `count`, of them are not 0.
   */
  find(stamps: Int32Array, first: number, last: number, total: number, count: number): number {
    const sampled = takeSamples(stamps, last);
    for (let rank = Math.ceil((sampled * count) / total); ; rank *= 2) {
      this.cut = rank < sampled ? samples[rank]! : last;
      const found =
        this.cut - first < PLACES_AN_ID * count
          ? this.place(stamps, first)
          : this.order(stamps, total, count + (count >>> 1));
      if (2 * found >= count || this.cut === last) return found;
    }
  }

  /** Gives the memory back. */
  forget(): void {
    this.ids = this.memory = new Uint32Array(0);
  }

  /** Takes the ids with stamps in `first` … `cut`, in order; returns how many. */
  private place(stamps: Int32Array, first: number): number {
    const length = this.cut - first + 1;
    this.ensure(length + 1);
    const places = this.memory;
    places.fill(0, 0, length);
    for (let id = 0; id < stamps.length; id++) places[placeOf(stamps[id]! - first, length)] = id + 1;
    let found = 0;
    for (let at = 0; at < length; at++) {
      const id = places[at]!;
      places[found] = id - 1;
      found += Number(id !== 0);
    }
    this.ids = places;
    return found;
  }

  /** Takes the ids with stamps up to `cut`, in order, with memory for `most` or else for `total`; returns how many. */
  private order(stamps: Int32Array, total: number, most: number): number {
    let pairs = this.pairs(Math.min(total, most));
    let found = collect(stamps, this.cut, pairs);
    if (found < 0) {
      // The samples lied: rather than look again, take what there is.
      pairs = this.pairs(total);
      found = collect(stamps, this.cut, pairs);
    }
    this.ids = sort(pairs, this.pairs(pairs.ids.length - 1, 2), found).ids;
    return found;
  }

  /** The first or second part of memory for `count` ids and stamps, and one more each, where what is passed over is written. */
  private pairs(count: number, part = 0): Pairs {
    const length = count + 1;
    this.ensure(4 * length);
    const { memory } = this;
    const at = part * length;
    return { ids: memory.subarray(at, at + length), stamps: memory.subarray(at + length, at + 2 * length) };
  }

  private ensure(words: number): void {
    if (words > this.memory.length) this.memory = new Uint32Array(words);
  }
}

/** Ids and their stamps, side by side. */
interface Pairs {
  readonly ids: Uint32Array;
  readonly stamps: Uint32Array;
}

/** Takes the ids with stamps up to `cut`; returns how many, or -1 if there are more than there is room for. */
function collect(stamps: Int32Array, cut: number, { ids, stamps: taken }: Pairs): number {
  const most = ids.length - 1;
  let at = 0;
  for (let id = 0; id < stamps.length && at <= most; id++) {
    const stamp = stamps[id]!;
    ids[at] = id;
    taken[at] = stamp;
    at += isUpTo(stamp, cut);
  }
  return at <= most ? at : -1;
}

/** Puts `count` ids in order, from one pair to the other and back; returns the one that has them then. */
function sort(from: Pairs, to: Pairs, count: number): Pairs {
  const { stamps } = from;
  let least = stamps[0]!;
  let greatest = least;
  for (let i = 1; i < count; i++) {
    least = Math.min(least, stamps[i]!);
    greatest = Math.max(greatest, stamps[i]!);
  }
  const bits = 32 - Math.clz32(greatest - least);
  let sorted = from;
  for (let shift = 0; shift < bits; shift += DIGIT_BITS) {
    sortByDigit(sorted, sorted === from ? to : from, count, least, shift);
    sorted = sorted === from ? to : from;
  }
  return sorted;
}

/** What shares the digit keeps its order. */
function sortByDigit(from: Pairs, to: Pairs, count: number, least: number, shift: number): void {
  const { ids, stamps } = from;
  const { ids: sortedIds, stamps: sortedStamps } = to;
  places.fill(0);
  for (let i = 0; i < count; i++) places[((stamps[i]! - least) >>> shift) & (DIGITS - 1)]!++;
  let place = 0;
  for (let digit = 0; digit < DIGITS; digit++) {
    const size = places[digit]!;
    places[digit] = place;
    place += size;
  }
  for (let i = 0; i < count; i++) {
    const stamp = stamps[i]!;
    const at = places[((stamp - least) >>> shift) & (DIGITS - 1)]!++;
    sortedIds[at] = ids[i]!;
    sortedStamps[at] = stamp;
  }
}

/** Puts stamps that lie evenly apart, beginning elsewhere each time, in order into `samples`; returns how many are not 0. */
function takeSamples(stamps: Int32Array, time: number): number {
  const stride = Math.max(1, Math.floor(stamps.length / SAMPLES));
  let taken = 0;
  for (let id = time % stride; id < stamps.length && taken < SAMPLES; id += stride) {
    if (stamps[id] !== 0) samples[taken++] = stamps[id]!;
  }
  samples.subarray(0, taken).sort();
  return taken;
}

/** `at`, or `length` if it is not in 0 … `length - 1`: by the signs of differences, since no processor could foretell the branch. */
function placeOf(at: number, length: number): number {
  const outside = (at | (length - 1 - at)) >> 31;
  return ((at ^ length) & ~outside) ^ length;
}

/** 1 for a stamp in 1 … `cut`, else 0, likewise. */
function isUpTo(stamp: number, cut: number): number {
  return (((stamp - 1) | (cut - stamp)) >>> 31) ^ 1;
}
