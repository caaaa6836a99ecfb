const CHUNK_SHIFT = 5;
const CHUNK = 1 << CHUNK_SHIFT;
const CHUNK_MASK = CHUNK - 1;
const MERGE_BELOW = CHUNK >> 2;
const MERGE_INTO = CHUNK - MERGE_BELOW;

/**
 * Carries a key into calls: a fractional or large number as an argument of a call that is not inlined costs a heap
 * number, an element of a typed array does not.
 */
const probe = new Float64Array(1);

/**
 * A map from safe integers to u32 values, ordered by key.
 *
 * Two levels of sorted arrays: a directory of the first key of each chunk, and chunks of at most 32 entries that lie in
 * one pool. What is unused in either holds Infinity, so that a search takes a fixed number of steps and no branch
 * depends on the data. A *position* is an integer that names an entry; any insertion or deletion makes all positions stale.
 */
export class OrderedMap {
  private keys = new Float64Array(CHUNK).fill(Infinity);
  private values = new Uint32Array(CHUNK);
  /** Entries in a chunk, by chunk. */
  private fill = new Uint8Array(1);
  private spare: number[] = [];
  private chunksMade = 0;
  private firstKeys = new Float64Array(4).fill(Infinity);
  private chunkAt = new Uint32Array(4);
  private chunkCount = 0;
  private lastHit = 0;
  private entryCount = 0;

  /** Number of entries. */
  get size(): number {
    return this.entryCount;
  }

  /** Bytes of memory that the arrays take. */
  get bytes(): number {
    return (
      this.keys.byteLength +
      this.values.byteLength +
      this.fill.byteLength +
      this.firstKeys.byteLength +
      this.chunkAt.byteLength
    );
  }

  /** The value of `key`, or -1 when it is not there. */
  get(key: number): number {
    probe[0] = key;
    const chunk = this.chunkFor(probe, 0);
    if (chunk < 0) return -1;
    const at = search(this.keys, this.chunkAt[chunk]! << CHUNK_SHIFT, CHUNK >> 1, probe, 0);
    return this.keys[at] === key ? this.values[at]! : -1;
  }

  /** The position of `key`, or -1. */
  find(key: number): number {
    const position = this.floor(key);
    return position >= 0 && this.keyAt(position) === key ? position : -1;
  }

  /** The position of the greatest key that is not above `key`, or -1. */
  floor(key: number): number {
    probe[0] = key;
    return this.floorOf(probe, 0);
  }

  /** The position of the smallest key that is not below `key`, or -1. */
  ceil(key: number): number {
    probe[0] = key;
    return this.ceilOf(probe, 0);
  }

  /** As `floor` of `from[index]`, without the heap number that a key as an argument can cost. */
  floorOf(from: Float64Array, index: number): number {
    const chunk = this.chunkFor(from, index);
    if (chunk < 0) return -1;
    const at = search(this.keys, this.chunkAt[chunk]! << CHUNK_SHIFT, CHUNK >> 1, from, index);
    return (chunk << CHUNK_SHIFT) | (at & CHUNK_MASK);
  }

  /** As `ceil` of `from[index]`, without the heap number that a key as an argument can cost. */
  ceilOf(from: Float64Array, index: number): number {
    const position = this.floorOf(from, index);
    if (position < 0) return this.first();
    return this.keyAt(position) === from[index] ? position : this.next(position);
  }

  /** The position of the smallest key, or -1. */
  first(): number {
    return this.entryCount === 0 ? -1 : 0;
  }

  /** The position of the greatest key, or -1. */
  last(): number {
    if (this.entryCount === 0) return -1;
    const chunk = this.chunkCount - 1;
    return (chunk << CHUNK_SHIFT) | (this.fill[this.chunkAt[chunk]!]! - 1);
  }

  /** The position after `position` in key order, or -1. */
  next(position: number): number {
    const chunk = position >> CHUNK_SHIFT;
    if ((position & CHUNK_MASK) + 1 < this.fill[this.chunkAt[chunk]!]!) return position + 1;
    return chunk + 1 < this.chunkCount ? (chunk + 1) << CHUNK_SHIFT : -1;
  }

  /** The position before `position` in key order, or -1. */
  previous(position: number): number {
    if ((position & CHUNK_MASK) !== 0) return position - 1;
    const chunk = (position >> CHUNK_SHIFT) - 1;
    return chunk < 0 ? -1 : (chunk << CHUNK_SHIFT) | (this.fill[this.chunkAt[chunk]!]! - 1);
  }

  /** The key at a position. */
  keyAt(position: number): number {
    return this.keys[(this.chunkAt[position >> CHUNK_SHIFT]! << CHUNK_SHIFT) | (position & CHUNK_MASK)]!;
  }

  /** The value at a position. */
  valueAt(position: number): number {
    return this.values[(this.chunkAt[position >> CHUNK_SHIFT]! << CHUNK_SHIFT) | (position & CHUNK_MASK)]!;
  }

  /** Replaces the value at a position; positions stay valid. */
  setValueAt(position: number, value: number): void {
    this.values[(this.chunkAt[position >> CHUNK_SHIFT]! << CHUNK_SHIFT) | (position & CHUNK_MASK)] = value;
  }

  /**
   * Adds an entry, or replaces the value of one that is there.
   * @throws RangeError when `key` is not a safe integer
   */
  set(key: number, value: number): void {
    if (!Number.isSafeInteger(key)) throw new RangeError(`key must be a safe integer, got ${key}`);
    if (this.chunkCount === 0) this.addChunk(0, key);
    const floor = this.floor(key);
    if (floor >= 0 && this.keyAt(floor) === key) {
      this.setValueAt(floor, value);
      return;
    }
    let chunk = floor < 0 ? 0 : floor >> CHUNK_SHIFT;
    let index = floor < 0 ? 0 : this.entryCount === 0 ? 0 : (floor & CHUNK_MASK) + 1;
    if (this.fill[this.chunkAt[chunk]!] === CHUNK) {
      if (index === CHUNK && chunk === this.chunkCount - 1) {
        // Ascending insertion leaves full chunks behind instead of halves.
        this.addChunk(++chunk, key);
        index = 0;
      } else {
        this.splitChunk(chunk);
        if (index > CHUNK >> 1) {
          chunk++;
          index -= CHUNK >> 1;
        }
      }
    }
    this.insertAt(chunk, index, key, value);
  }

  /** Removes the entry of `key`; says whether there was one. */
  delete(key: number): boolean {
    const position = this.find(key);
    if (position < 0) return false;
    this.deleteAt(position);
    return true;
  }

  /** Removes the entry at a position. */
  deleteAt(position: number): void {
    const chunk = position >> CHUNK_SHIFT;
    const index = position & CHUNK_MASK;
    const slot = this.chunkAt[chunk]!;
    const at = (slot << CHUNK_SHIFT) | index;
    const left = this.fill[slot]! - 1;
    const end = (slot << CHUNK_SHIFT) + left;
    this.keys.copyWithin(at, at + 1, end + 1);
    this.values.copyWithin(at, at + 1, end + 1);
    this.keys[end] = Infinity;
    this.fill[slot] = left;
    this.entryCount--;
    if (left === 0) {
      this.removeChunk(chunk);
      return;
    }
    if (index === 0) this.firstKeys[chunk] = this.keys[at]!;
    if (left < MERGE_BELOW) this.mergeChunk(chunk);
  }

  /** Removes all entries and gives the memory back. */
  clear(): void {
    this.keys = new Float64Array(CHUNK).fill(Infinity);
    this.values = new Uint32Array(CHUNK);
    this.fill = new Uint8Array(1);
    this.spare = [];
    this.chunksMade = 0;
    this.firstKeys = new Float64Array(4).fill(Infinity);
    this.chunkAt = new Uint32Array(4);
    this.chunkCount = 0;
    this.lastHit = 0;
    this.entryCount = 0;
  }

  /** The directory index of the chunk that would hold `from[index]`, or -1 when it lies below all. */
  private chunkFor(from: Float64Array, index: number): number {
    const key = from[index]!;
    const firstKeys = this.firstKeys;
    const hit = this.lastHit;
    if (firstKeys[hit]! <= key && key < firstKeys[hit + 1]!) return hit;
    if (!(firstKeys[0]! <= key && key < Infinity)) return -1;
    const at = search(firstKeys, 0, firstKeys.length >> 1, from, index);
    this.lastHit = at;
    return at;
  }

  private insertAt(chunk: number, index: number, key: number, value: number): void {
    const slot = this.chunkAt[chunk]!;
    const at = (slot << CHUNK_SHIFT) | index;
    const end = (slot << CHUNK_SHIFT) + this.fill[slot]!;
    this.keys.copyWithin(at + 1, at, end);
    this.values.copyWithin(at + 1, at, end);
    this.keys[at] = key;
    this.values[at] = value;
    this.fill[slot] = this.fill[slot]! + 1;
    if (index === 0) this.firstKeys[chunk] = key;
    this.entryCount++;
  }

  private splitChunk(chunk: number): void {
    const half = CHUNK >> 1;
    const from = (this.chunkAt[chunk]! << CHUNK_SHIFT) + half;
    this.addChunk(chunk + 1, this.keys[from]!);
    const slot = this.chunkAt[chunk + 1]!;
    this.moveEntries(from, slot << CHUNK_SHIFT, half);
    this.fill[slot] = half;
    this.fill[this.chunkAt[chunk]!] = half;
  }

  /** Joins a sparse chunk with a neighbour where both fit with room to spare. */
  private mergeChunk(chunk: number): void {
    const fillOf = (index: number) =>
      index < 0 || index >= this.chunkCount ? CHUNK : this.fill[this.chunkAt[index]!]!;
    const own = fillOf(chunk);
    const left = fillOf(chunk + 1) + own <= MERGE_INTO ? chunk : fillOf(chunk - 1) + own <= MERGE_INTO ? chunk - 1 : -1;
    if (left < 0) return;
    const into = this.chunkAt[left]!;
    const from = this.chunkAt[left + 1]!;
    this.moveEntries(from << CHUNK_SHIFT, (into << CHUNK_SHIFT) + this.fill[into]!, this.fill[from]!);
    this.fill[into] = this.fill[into]! + this.fill[from]!;
    this.removeChunk(left + 1);
  }

  private moveEntries(from: number, to: number, count: number): void {
    this.keys.copyWithin(to, from, from + count);
    this.values.copyWithin(to, from, from + count);
    this.keys.fill(Infinity, from, from + count);
  }

  private addChunk(chunk: number, firstKey: number): void {
    const slot = this.spare.pop() ?? this.makeChunk();
    // One Infinity always stays behind the last first key: the last-hit test reads it.
    if (this.chunkCount + 1 === this.firstKeys.length) {
      const firstKeys = new Float64Array(this.firstKeys.length * 2).fill(Infinity);
      firstKeys.set(this.firstKeys);
      this.firstKeys = firstKeys;
      const chunkAt = new Uint32Array(firstKeys.length);
      chunkAt.set(this.chunkAt);
      this.chunkAt = chunkAt;
    }
    this.firstKeys.copyWithin(chunk + 1, chunk, this.chunkCount);
    this.chunkAt.copyWithin(chunk + 1, chunk, this.chunkCount);
    this.firstKeys[chunk] = firstKey;
    this.chunkAt[chunk] = slot;
    this.fill[slot] = 0;
    this.chunkCount++;
  }

  private removeChunk(chunk: number): void {
    this.spare.push(this.chunkAt[chunk]!);
    this.firstKeys.copyWithin(chunk, chunk + 1, this.chunkCount);
    this.chunkAt.copyWithin(chunk, chunk + 1, this.chunkCount);
    this.firstKeys[--this.chunkCount] = Infinity;
    this.lastHit = 0;
  }

  private makeChunk(): number {
    const slot = this.chunksMade++;
    if (slot < this.fill.length) return slot;
    const chunks = slot + 1 + (slot >> 2);
    const keys = new Float64Array(chunks << CHUNK_SHIFT).fill(Infinity, this.keys.length);
    keys.set(this.keys);
    this.keys = keys;
    const values = new Uint32Array(keys.length);
    values.set(this.values);
    this.values = values;
    const fill = new Uint8Array(chunks);
    fill.set(this.fill);
    this.fill = fill;
    return slot;
  }
}

/**
 * The index of the last of `half * 2` sorted keys from `start` on that is not above `from[index]`; the first is not.
 * Four ways a step: three independent loads cost little more than one, and halve the chain of dependent ones.
 */
function search(keys: Float64Array, start: number, half: number, from: Float64Array, index: number): number {
  const key = from[index]!;
  let at = start;
  let step = half;
  for (; step > 1; step >>= 2) {
    const quarter = step >> 1;
    at +=
      (Number(keys[at + quarter]! <= key) +
        Number(keys[at + step]! <= key) +
        Number(keys[at + step + quarter]! <= key)) *
      quarter;
  }
  return step === 1 ? at + Number(keys[at + 1]! <= key) : at;
}
