import type { FaultBatch, FaultSource } from '../driver/fault.js';

const EMPTY = -1;

/**
 * A bounded fault buffer: drops what does not fit, holds each (MMU, page, access) once while it waits to be drained.
 * The backend reports, counts {@link retired} and {@link stalled}, and wakes the listener.
 */
export class FaultRing implements FaultSource {
  readonly capacity: number;
  retired = 0;
  stalled = 0;
  #limit: number;
  #dropped = 0;
  #head = 0;
  #pending = 0;
  #listener: (() => void) | null = null;
  #waking = false;
  #wakeAgain = false;
  readonly #mmus: Uint16Array;
  readonly #pages: Float64Array;
  readonly #access: Uint8Array;
  readonly #queues: Uint16Array;
  /** Open-addressed index from the hash of a fault to its place, for the dedupe. */
  readonly #index: Int32Array;
  readonly #mask: number;

  /** @param capacity entries, at least 1 */
  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`the capacity of a fault buffer is an integer ≥ 1, got ${capacity}`);
    }
    this.capacity = capacity;
    this.#limit = capacity;
    this.#mmus = new Uint16Array(capacity);
    this.#pages = new Float64Array(capacity);
    this.#access = new Uint8Array(capacity);
    this.#queues = new Uint16Array(capacity);
    const size = 2 ** (33 - Math.clz32(capacity));
    this.#index = new Int32Array(size).fill(EMPTY);
    this.#mask = size - 1;
  }

  get pending(): number {
    return this.#pending;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Entries in use at most from now on: fault injection makes the buffer smaller than it claims. 0 drops every fault. */
  set limit(entries: number) {
    this.#limit = Math.min(entries, this.capacity);
  }

  /** Reports a fault. `false`: dropped, because the buffer is full. A fault that waits in the buffer already is not stored twice. */
  report(mmu: number, page: number, access: number, queue: number): boolean {
    let at = this.#hash(mmu, page, access);
    for (let place = this.#index[at]!; place !== EMPTY; place = this.#index[at]!) {
      if (this.#pages[place] === page && this.#access[place] === access && this.#mmus[place] === mmu) return true;
      at = (at + 1) & this.#mask;
    }
    if (this.#pending >= this.#limit) {
      this.#dropped++;
      return false;
    }
    const place = this.#wrap(this.#head + this.#pending++);
    this.#mmus[place] = mmu;
    this.#pages[place] = page;
    this.#access[place] = access;
    this.#queues[place] = queue;
    this.#index[at] = place;
    return true;
  }

  /** Counts faults that the device could not even report: their accesses stay stalled and fault again on replay. */
  drop(faults: number): void {
    this.#dropped += faults;
  }

  drain(batch: FaultBatch): number {
    const count = Math.min(batch.capacity, this.#pending);
    for (let i = 0; i < count; i++) {
      const place = this.#wrap(this.#head + i);
      batch.mmus[i] = this.#mmus[place]!;
      batch.pages[i] = this.#pages[place]!;
      batch.access[i] = this.#access[place]!;
      batch.queues[i] = this.#queues[place]!;
    }
    batch.count = count;
    this.#head = this.#wrap(this.#head + count);
    this.#pending -= count;
    if (count > 0) this.#reindex();
    return count;
  }

  /** Forgets the waiting faults of one MMU: it was closed. */
  purge(mmu: number): void {
    let kept = 0;
    for (let i = 0; i < this.#pending; i++) {
      const from = this.#wrap(this.#head + i);
      if (this.#mmus[from] === mmu) continue;
      const to = this.#wrap(this.#head + kept++);
      this.#mmus[to] = this.#mmus[from]!;
      this.#pages[to] = this.#pages[from]!;
      this.#access[to] = this.#access[from]!;
      this.#queues[to] = this.#queues[from]!;
    }
    this.#pending = kept;
    this.#reindex();
  }

  listen(listener: (() => void) | null): void {
    this.#listener = listener;
    if (listener !== null && this.stalled > 0) this.wake();
  }

  /**
   * Calls the listener. A wake from inside the listener makes it run once more after it returned, so that a listener
   * which serves faults synchronously does not recurse.
   */
  wake(): void {
    this.#wakeAgain = true;
    if (this.#waking) return;
    this.#waking = true;
    try {
      while (this.#wakeAgain && this.#listener !== null) {
        this.#wakeAgain = false;
        this.#listener();
      }
    } finally {
      this.#waking = false;
    }
  }

  /** The place in the ring of a number below twice its capacity. */
  #wrap(place: number): number {
    return place < this.capacity ? place : place - this.capacity;
  }

  #hash(mmu: number, page: number, access: number): number {
    // The high part of a page number does not survive `|`: fold it in by itself.
    const folded = (page | 0) ^ Math.imul(Math.floor(page / 2 ** 32) + mmu * 4 + access, 0x85ebca6b);
    const mixed = Math.imul(folded, 0x9e3779b1);
    return (mixed ^ (mixed >>> 15)) & this.#mask;
  }

  #reindex(): void {
    this.#index.fill(EMPTY);
    for (let i = 0; i < this.#pending; i++) {
      const place = this.#wrap(this.#head + i);
      let at = this.#hash(this.#mmus[place]!, this.#pages[place]!, this.#access[place]!);
      while (this.#index[at] !== EMPTY) at = (at + 1) & this.#mask;
      this.#index[at] = place;
    }
  }
}
