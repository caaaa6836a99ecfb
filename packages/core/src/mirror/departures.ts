/** A power of two. */
const CAPACITY = 2048;

/** A log of the pages that a device lost lately: by the keys of the entries that mapped them. */
export class Departures {
  /** Whether anybody asks: until then nothing is noted, so that faults do not pay for it. */
  watched = false;
  /** How many there have been since. */
  count = 0;
  private readonly keys = new Float64Array(CAPACITY);
  /** What departed before this many is not known. */
  private unknownBefore = 0;

  /** Metadata in bytes. */
  get bytes(): number {
    return this.keys.byteLength;
  }

  /** Notes that the page departed which the entry of `key` and no other maps. */
  note(key: number): void {
    this.keys[this.count++ & (CAPACITY - 1)] = key;
  }

  /** Notes a departure, but not of what. */
  noteUnknown(): void {
    this.unknownBefore = ++this.count;
  }

  /** The keys of a range among those since there were `count`, in no order; `undefined` where that is not known any more. */
  since(count: number, from: number, end: number): Float64Array | undefined {
    if (count < this.unknownBefore || this.count - count > CAPACITY) return undefined;
    const found = new Float64Array(this.count - count);
    let length = 0;
    for (let i = count; i < this.count; i++) {
      const key = this.keys[i & (CAPACITY - 1)]!;
      if (key >= from && key < end) found[length++] = key;
    }
    return found.subarray(0, length);
  }
}
