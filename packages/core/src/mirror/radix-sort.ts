/** Widest digits: wide ones save passes over the keys, and cost passes over their places. */
const FEW_KEYS_BITS = 8;
const MANY_KEYS_BITS = 11;
const MANY_KEYS = 1024;
/** Below this many keys the engine's own sort is as quick. */
const WORTHWHILE = 32;

/** Sorts safe integers in place, least significant digit first, and allocates nothing in steady state. (Knuth, TAOCP 3, 5.2.5, algorithm R.) */
export class RadixSort {
  /** Differences to the least key, before and after a pass. */
  private from = new Uint32Array(256);
  private to = new Uint32Array(256);
  /** By digit: how many keys have it, then where the next of them goes. */
  private readonly places = new Uint32Array(1 << MANY_KEYS_BITS);

  /** Sorts the first `count` keys ascending. */
  sort(keys: Float64Array, count: number): void {
    let least = Infinity;
    let greatest = -Infinity;
    let sorted = true;
    for (let i = 0; i < count; i++) {
      const key = keys[i]!;
      sorted &&= key >= greatest;
      if (key < least) least = key;
      if (key > greatest) greatest = key;
    }
    if (sorted) return;
    if (count < WORTHWHILE || greatest - least >= 2 ** 32) {
      keys.subarray(0, count).sort();
      return;
    }
    if (count > this.from.length) {
      this.from = new Uint32Array(count * 2);
      this.to = new Uint32Array(count * 2);
    }
    for (let i = 0; i < count; i++) this.from[i] = keys[i]! - least;
    const bits = 32 - Math.clz32(greatest - least);
    const passes = Math.ceil(bits / (count < MANY_KEYS ? FEW_KEYS_BITS : MANY_KEYS_BITS));
    const digitBits = Math.ceil(bits / passes);
    for (let shift = 0; shift < bits; shift += digitBits) this.pass(count, shift, (1 << digitBits) - 1);
    for (let i = 0; i < count; i++) keys[i] = least + this.from[i]!;
  }

  /** Sorts by one digit; keys that share it keep their order. */
  private pass(count: number, shift: number, mask: number): void {
    const { from, to, places } = this;
    places.fill(0, 0, mask + 1);
    for (let i = 0; i < count; i++) places[(from[i]! >>> shift) & mask]!++;
    let place = 0;
    for (let digit = 0; digit <= mask; digit++) {
      const keys = places[digit]!;
      places[digit] = place;
      place += keys;
    }
    for (let i = 0; i < count; i++) {
      const key = from[i]!;
      to[places[(key >>> shift) & mask]!++] = key;
    }
    this.from = to;
    this.to = from;
  }
}
