/** Stamps looked at to guess below which one the oldest lie. */
const SAMPLES = 512;
const DIGIT_BITS = 9;
const DIGITS = 1 << DIGIT_BITS;

/** Used by one call at a time. */
const samples = new Uint32Array(SAMPLES);
/** By digit: how many stamps have it, then where the next of them goes. */
const places = new Uint32Array(DIGITS);

/** Ids and their stamps, side by side. */
interface Pairs {
  readonly ids: Uint32Array;
  readonly stamps: Int32Array;
}

/**
 * Finds the ids with the smallest stamps, in the order of their stamps, without ordering the others: a few stamps tell about
 * where to cut, one pass over all takes what lies below, and a radix sort puts that in order (Knuth, TAOCP 3, 5.2.5, algorithm R).
 */
export class Oldest {
  private found = pairs(0);
  private spare = pairs(0);

  /** The ids found last, smallest stamp first. */
  get ids(): Uint32Array {
    return this.found.ids;
  }

  /** Bytes of its arrays. */
  get bytes(): number {
    return 2 * (this.found.ids.byteLength + this.spare.ids.byteLength);
  }

  /**
   * Finds about `count` ids, and at least half as many, into `ids`; returns how many. Stamps are different numbers in
   * 1 … `last`, which is below 2^31, 0 stands for none; `total`, which is not less than `count`, of them are not 0.
   */
  find(stamps: Int32Array, last: number, total: number, count: number): number {
    const sampled = takeSamples(stamps, last);
    const room = Math.min(total, count + (count >>> 1));
    let found = 0;
    for (let rank = Math.ceil((sampled * count) / total); 2 * found < count; rank *= 2) {
      const cut = rank < sampled ? samples[rank]! : last;
      found = this.collect(stamps, cut, room);
      // The samples lied: rather than look again, take what there is.
      if (found < 0) found = this.collect(stamps, cut, total);
    }
    this.sort(found);
    return found;
  }

  /** Gives the memory back. */
  forget(): void {
    this.found = pairs(0);
    this.spare = pairs(0);
  }

  /** Takes the ids with stamps up to `cut`; returns how many, or -1 if there are more than `most`. */
  private collect(stamps: Int32Array, cut: number, most: number): number {
    // One more, where what is passed over is written.
    if (most >= this.ids.length) {
      this.found = pairs(most + 1);
      this.spare = pairs(most + 1);
    }
    const { ids, stamps: taken } = this.found;
    let at = 0;
    for (let id = 0; id < stamps.length && at <= most; id++) {
      const stamp = stamps[id]!;
      ids[at] = id;
      taken[at] = stamp;
      at += isUpTo(stamp, cut);
    }
    return at <= most ? at : -1;
  }

  private sort(count: number): void {
    const { stamps } = this.found;
    let least = stamps[0]!;
    let greatest = least;
    for (let i = 1; i < count; i++) {
      least = Math.min(least, stamps[i]!);
      greatest = Math.max(greatest, stamps[i]!);
    }
    const bits = 32 - Math.clz32(greatest - least);
    for (let shift = 0; shift < bits; shift += DIGIT_BITS) this.sortByDigit(count, least, shift);
  }

  /** What shares the digit keeps its order. */
  private sortByDigit(count: number, least: number, shift: number): void {
    const { found, spare } = this;
    const { ids, stamps } = found;
    const { ids: sortedIds, stamps: sortedStamps } = spare;
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
      const to = places[((stamp - least) >>> shift) & (DIGITS - 1)]!++;
      sortedIds[to] = ids[i]!;
      sortedStamps[to] = stamp;
    }
    this.found = spare;
    this.spare = found;
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

/** 1 for a stamp in 1 … `cut`, else 0: by the signs of differences, since no processor could foretell the branch. */
function isUpTo(stamp: number, cut: number): number {
  return (((stamp - 1) | (cut - stamp)) >>> 31) ^ 1;
}

function pairs(length: number): Pairs {
  return { ids: new Uint32Array(length), stamps: new Int32Array(length) };
}
