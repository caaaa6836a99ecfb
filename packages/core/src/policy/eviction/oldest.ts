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
   * Finds at least `count` ids, and seldom many more, into `ids`; returns how many. Stamps are different numbers in 1 … `last`,
   * which is below 2^31, 0 stands for none; `total`, which is not less than `count`, of them are not 0.
   */
  find(stamps: Int32Array, last: number, total: number, count: number): number {
    const taken = takeSamples(stamps, last);
    let cut = last;
    let chosen = total;
    for (let rank = Math.ceil((taken * count) / total); rank < taken; rank *= 2) {
      cut = samples[rank]!;
      chosen = countUpTo(stamps, cut);
      if (chosen >= count) break;
      cut = last;
      chosen = total;
    }
    this.collect(stamps, cut, chosen);
    return chosen;
  }

  /** Gives the memory back. */
  forget(): void {
    this.found = pairs(0);
    this.spare = pairs(0);
  }

  /** Takes the `count` ids with stamps up to `cut`, and sorts them. */
  private collect(stamps: Int32Array, cut: number, count: number): void {
    // One more, where what is passed over is written.
    if (count >= this.ids.length) {
      this.found = pairs(count + 1);
      this.spare = pairs(count + 1);
    }
    const { ids, stamps: chosen } = this.found;
    for (let id = 0, at = 0; at < count; id++) {
      const stamp = stamps[id]!;
      ids[at] = id;
      chosen[at] = stamp;
      at += isUpTo(stamp, cut);
    }
    let least = cut;
    for (let at = 0; at < count; at++) least = Math.min(least, chosen[at]!);
    const bits = 32 - Math.clz32(cut - least);
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

function countUpTo(stamps: Int32Array, cut: number): number {
  let count = 0;
  for (let id = 0; id < stamps.length; id++) count += isUpTo(stamps[id]!, cut);
  return count;
}

/** 1 for a stamp in 1 … `cut`, else 0: by the signs of differences, since no processor could foretell the branch. */
function isUpTo(stamp: number, cut: number): number {
  return (((stamp - 1) | (cut - stamp)) >>> 31) ^ 1;
}

function pairs(length: number): Pairs {
  return { ids: new Uint32Array(length), stamps: new Int32Array(length) };
}
