import type { IdList } from './id-list.js';
import { OrderedMap } from './ordered-map.js';

const NONE = 0xffffffff;
const CLASS_BITS = 3;
const FIRST_CAPACITY = 16;
/** By class, the length that intervals of the class stay below. */
const reaches = Float64Array.from({ length: 18 }, (_, sizeClass) => 2 ** (CLASS_BITS * (sizeClass + 1)));
const firstStart = new Float64Array(1);

/**
 * Intervals [start, end) with ids, which may overlap, and the query that finds those that meet a range.
 *
 * Intervals are sorted by start in one map for each size class (lengths below 8, 64, 512, … bytes). One of class c that
 * meets [a, b) must start after a - 8 ** (c + 1), so a query looks at one run of each class in use.
 * Ends are safe integers. Ids are small dense integers: memory grows with the greatest one.
 */
export class IntervalIndex {
  /** By class; undefined until the first interval of that class. */
  private readonly maps: (OrderedMap | undefined)[] = [];
  private starts = new Float64Array(FIRST_CAPACITY);
  private ends = new Float64Array(FIRST_CAPACITY);
  /** Chains the intervals of one class that share their start; the map holds the head. */
  private nextId = new Uint32Array(FIRST_CAPACITY);
  private previousId = new Uint32Array(FIRST_CAPACITY);
  private count = 0;

  /** Number of intervals. */
  get size(): number {
    return this.count;
  }

  /** Bytes of memory that the arrays take. */
  get bytes(): number {
    let bytes = this.starts.byteLength * 2 + this.nextId.byteLength * 2;
    for (const map of this.maps) bytes += map?.bytes ?? 0;
    return bytes;
  }

  /** Says whether an interval has this id. */
  has(id: number): boolean {
    return id < this.ends.length && this.ends[id]! > this.starts[id]!;
  }

  /** The first integer of an interval that is in the index. */
  startOf(id: number): number {
    return this.starts[id]!;
  }

  /** The first integer after an interval that is in the index. */
  endOf(id: number): number {
    return this.ends[id]!;
  }

  /**
   * Adds the interval `start` … `end` - 1.
   * @throws RangeError when the ends are no safe integers in ascending order, or the id is in use or no u32 below 2 ** 32 - 1
   */
  insert(start: number, end: number, id: number): void {
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start >= end) {
      throw new RangeError(`an interval must have safe integers in ascending order as ends, got ${start} and ${end}`);
    }
    if (!Number.isInteger(id) || id < 0 || id >= NONE)
      throw new RangeError(`id must be a u32 below ${NONE}, got ${id}`);
    if (this.has(id)) throw new RangeError(`id ${id} is in use; remove its interval first`);
    this.reserve(id);
    const sizeClass = classOf(end - start);
    const map = (this.maps[sizeClass] ??= new OrderedMap());
    const position = map.find(start);
    const next = position < 0 ? NONE : map.valueAt(position);
    if (position < 0) map.set(start, id);
    else map.setValueAt(position, id);
    if (next !== NONE) this.previousId[next] = id;
    this.nextId[id] = next;
    this.previousId[id] = NONE;
    this.starts[id] = start;
    this.ends[id] = end;
    this.count++;
  }

  /** Removes the interval of an id; says whether there was one. */
  remove(id: number): boolean {
    if (!this.has(id)) return false;
    const start = this.starts[id]!;
    const next = this.nextId[id]!;
    const previous = this.previousId[id]!;
    if (next !== NONE) this.previousId[next] = previous;
    if (previous !== NONE) {
      this.nextId[previous] = next;
    } else {
      const map = this.maps[classOf(this.ends[id]! - start)]!;
      if (next === NONE) map.delete(start);
      else map.set(start, next);
    }
    this.starts[id] = 0;
    this.ends[id] = 0;
    this.count--;
    return true;
  }

  /** Appends the ids of all intervals that meet `start` … `end` - 1 to `out`, in no order, and returns how many. */
  query(start: number, end: number, out: IdList): number {
    const before = out.length;
    for (let sizeClass = 0; sizeClass < this.maps.length; sizeClass++) {
      const map = this.maps[sizeClass];
      if (map === undefined || map.size === 0) continue;
      firstStart[0] = start - reaches[sizeClass]! + 1;
      let position = map.ceilOf(firstStart, 0);
      while (position >= 0) {
        let id = map.valueAt(position);
        if (this.starts[id]! >= end) break;
        for (; id !== NONE; id = this.nextId[id]!) if (this.ends[id]! > start) out.push(id);
        position = map.next(position);
      }
    }
    return out.length - before;
  }

  /** Removes all intervals. */
  clear(): void {
    this.maps.length = 0;
    this.starts = new Float64Array(FIRST_CAPACITY);
    this.ends = new Float64Array(FIRST_CAPACITY);
    this.nextId = new Uint32Array(FIRST_CAPACITY);
    this.previousId = new Uint32Array(FIRST_CAPACITY);
    this.count = 0;
  }

  private reserve(id: number): void {
    if (id < this.ends.length) return;
    const capacity = Math.max(id + 1, this.ends.length + (this.ends.length >> 1));
    const starts = new Float64Array(capacity);
    starts.set(this.starts);
    this.starts = starts;
    const ends = new Float64Array(capacity);
    ends.set(this.ends);
    this.ends = ends;
    const nextId = new Uint32Array(capacity);
    nextId.set(this.nextId);
    this.nextId = nextId;
    const previousId = new Uint32Array(capacity);
    previousId.set(this.previousId);
    this.previousId = previousId;
  }
}

/** Floor of the logarithm of a length, to base 8. */
function classOf(length: number): number {
  const high = Math.floor(length / 2 ** 32);
  const log2 = high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(length);
  return Math.floor(log2 / CLASS_BITS);
}
