import { type EvictionPolicy, FRAME_BLOCKED } from '@mirrorspace/core';

/** A time after all accesses. */
export const NEVER = 2 ** 32 - 1;

/** What is known of the future: by page, when it is accessed next. Whoever replays keeps it up to date. */
export interface Future {
  /** The number of the next access to a page; `NEVER` where there is none. */
  nextOf(page: number): number;
}

/** For each access, the number of the next one to the same page, or `NEVER`. */
export function nextUses(pages: Uint32Array): Uint32Array {
  const next = new Uint32Array(pages.length);
  let last = 0;
  for (const page of pages) if (page > last) last = page;
  const seen = new Uint32Array(last + 1).fill(NEVER);
  for (let i = pages.length - 1; i >= 0; i--) {
    next[i] = seen[pages[i]!]!;
    seen[pages[i]!] = i;
  }
  return next;
}

/**
 * MIN (Belady, "A study of replacement algorithms for a virtual-storage computer", 1966): gives up the page whose next access lies furthest
 * ahead. Frames stand in a binary heap by that time. 20 bytes a frame.
 */
export class BeladyEviction implements EvictionPolicy {
  readonly name = 'belady';
  private readonly future: Future;
  private readonly pages: Float64Array;
  private readonly times: Uint32Array;
  private readonly heap: Uint32Array;
  /** By frame: its place in the heap + 1; 0 for none. */
  private readonly places: Uint32Array;
  private tracked = 0;

  constructor(capacity: number, future: Future) {
    this.future = future;
    this.pages = new Float64Array(capacity);
    this.times = new Uint32Array(capacity);
    this.heap = new Uint32Array(capacity);
    this.places = new Uint32Array(capacity);
  }

  get size(): number {
    return this.tracked;
  }

  get bytes(): number {
    return this.pages.byteLength + this.times.byteLength + this.heap.byteLength + this.places.byteLength;
  }

  /** Page numbers are those that the future knows. */
  insert(ids: Uint32Array, count: number, pages: Float64Array): void {
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (this.places[id] === 0) {
        this.pages[id] = pages[i]!;
        this.heap[this.tracked++] = id;
        this.places[id] = this.tracked;
      }
      this.refresh(id);
    }
  }

  touch(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.places[ids[i]!]! > 0) this.refresh(ids[i]!);
  }

  remove(ids: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) if (this.places[ids[i]!]! > 0) this.drop(ids[i]!);
  }

  victims(out: Uint32Array, count: number, flags: Uint8Array): number {
    let taken = 0;
    const aside: number[] = [];
    while (taken < count && this.tracked > 0) {
      const id = this.heap[0]!;
      this.drop(id);
      if ((flags[id]! & FRAME_BLOCKED) === 0) out[taken++] = id;
      else aside.push(id);
    }
    for (const id of aside) this.insert(Uint32Array.of(id), 1, Float64Array.of(this.pages[id]!));
    return taken;
  }

  private refresh(id: number): void {
    this.times[id] = this.future.nextOf(this.pages[id]!);
    this.down(this.up(this.places[id]! - 1));
  }

  private drop(id: number): void {
    const at = this.places[id]! - 1;
    this.places[id] = 0;
    const last = this.heap[--this.tracked]!;
    if (last === id) return;
    this.heap[at] = last;
    this.places[last] = at + 1;
    this.down(this.up(at));
  }

  private up(from: number): number {
    const { heap, times, places } = this;
    const id = heap[from]!;
    const time = times[id]!;
    let at = from;
    for (; at > 0;) {
      const parent = (at - 1) >>> 1;
      const other = heap[parent]!;
      if (times[other]! >= time) break;
      heap[at] = other;
      places[other] = at + 1;
      at = parent;
    }
    heap[at] = id;
    places[id] = at + 1;
    return at;
  }

  private down(from: number): void {
    const { heap, times, places, tracked } = this;
    const id = heap[from]!;
    const time = times[id]!;
    let at = from;
    for (let child = 2 * at + 1; child < tracked; child = 2 * at + 1) {
      if (child + 1 < tracked && times[heap[child + 1]!]! > times[heap[child]!]!) child++;
      const other = heap[child]!;
      if (times[other]! <= time) break;
      heap[at] = other;
      places[other] = at + 1;
      at = child;
    }
    heap[at] = id;
    places[id] = at + 1;
  }
}
