import { OrderedMap } from '../address/index.js';
import type { Region } from './region.js';

/** The regions of a space by address. They never overlap. */
export class RegionMap {
  private readonly starts = new OrderedMap();
  private readonly regions: (Region | undefined)[] = [];
  /** Ends, beside the regions: a lookup need not fetch the object. */
  private ends = new Float64Array(16);
  private readonly freeIds: number[] = [];

  /** Number of regions. */
  get size(): number {
    return this.starts.size;
  }

  /** Metadata in bytes, the region objects estimated at 128 bytes each. */
  get bytes(): number {
    return this.starts.bytes + this.ends.byteLength + 128 * this.starts.size;
  }

  /** The region that holds the byte at `address`, or `undefined`. */
  at(address: number): Region | undefined {
    const position = this.starts.floor(address);
    if (position < 0) return undefined;
    const id = this.starts.valueAt(position);
    return address < this.ends[id]! ? this.regions[id] : undefined;
  }

  /** The first region that ends after `address`, or `undefined`. */
  from(address: number): Region | undefined {
    const hit = this.at(address);
    if (hit !== undefined) return hit;
    const position = this.starts.ceil(address);
    return position < 0 ? undefined : this.regions[this.starts.valueAt(position)];
  }

  /** The regions that share a byte with `[start, end)`, by address. A snapshot: the map may change while it is walked. */
  overlapping(start: number, end: number): Region[] {
    const found: Region[] = [];
    for (let region = this.from(start); region !== undefined && region.start < end; region = this.from(region.end)) {
      found.push(region);
    }
    return found;
  }

  /** Adds a region. */
  insert(region: Region): void {
    const id = this.freeIds.pop() ?? this.regions.length;
    this.regions[id] = region;
    if (id >= this.ends.length) this.grow();
    this.ends[id] = region.end;
    this.starts.set(region.start, id);
  }

  /** Removes a region. */
  remove(region: Region): void {
    const position = this.starts.find(region.start);
    const id = this.starts.valueAt(position);
    this.starts.deleteAt(position);
    this.regions[id] = undefined;
    this.freeIds.push(id);
  }

  /** Gives a region other bounds. They must not touch another region. */
  resize(region: Region, start: number, end: number): void {
    const position = this.starts.find(region.start);
    const id = this.starts.valueAt(position);
    if (start !== region.start) {
      this.starts.deleteAt(position);
      this.starts.set(start, id);
    }
    this.ends[id] = end;
    region.start = start;
    region.end = end;
  }

  /** The lowest address ≥ `from`, a multiple of `alignment`, with `bytes` free bytes below `limit`; or -1. */
  gap(bytes: number, alignment: number, from: number, limit: number): number {
    let at = Math.ceil(from / alignment) * alignment;
    for (let region = this.from(at); region !== undefined; region = this.from(at)) {
      if (region.start - at >= bytes) break;
      at = Math.ceil(region.end / alignment) * alignment;
      if (at + bytes > limit) return -1;
    }
    return at + bytes <= limit ? at : -1;
  }

  private grow(): void {
    const ends = new Float64Array(this.ends.length * 2);
    ends.set(this.ends);
    this.ends = ends;
  }
}
