import { type FaultBatch, FaultRing, type FaultSource } from '@mirrorspace/core/driver';
import { HEAD, SLOT, STATE } from './words.js';
import type { Shared } from './shared.js';

/** What faults are reported as, by the place of their MMU; `undefined`: it was closed. */
export type FaultPages = (place: number) => { readonly id: number; readonly faultPageSize: number } | undefined;

/** The fault buffer: what slots report in shared memory is put into it whenever somebody looks. */
export class SharedFaults implements FaultSource {
  readonly #shared: Shared;
  readonly #pages: FaultPages;
  readonly #ring: FaultRing;
  /** The number of the fault of each slot that was taken last. */
  readonly #taken: Int32Array;
  #retiredLow = 0;
  #retiredHigh = 0;
  #closed = false;

  constructor(shared: Shared, capacity: number, pages: FaultPages) {
    this.#shared = shared;
    this.#pages = pages;
    this.#ring = new FaultRing(capacity);
    this.#taken = new Int32Array(shared.layout.slots);
  }

  get capacity(): number {
    return this.#ring.capacity;
  }

  get pending(): number {
    this.take();
    return this.#ring.pending;
  }

  get dropped(): number {
    this.take();
    return this.#ring.dropped;
  }

  get retired(): number {
    const low = Atomics.load(this.#shared.words, HEAD.retired) >>> 0;
    if (low < this.#retiredLow) this.#retiredHigh += 2 ** 32;
    this.#retiredLow = low;
    return this.#retiredHigh + low;
  }

  get stalled(): number {
    if (this.#closed) return 0;
    // One that was released before it was counted is counted the other way round for a moment.
    return Math.max(0, Atomics.load(this.#shared.words, HEAD.stalled));
  }

  drain(batch: FaultBatch): number {
    this.take();
    return this.#ring.drain(batch);
  }

  listen(listener: (() => void) | null): void {
    this.#ring.listen(listener);
    if (listener !== null && this.stalled > 0) this.#ring.wake();
  }

  /** The device is gone: nothing is stalled any more. */
  close(): void {
    this.#closed = true;
  }

  /** Calls the listener. */
  wake(): void {
    this.#ring.wake();
  }

  /** Forgets the faults of an MMU that was closed. */
  purge(mmu: number): void {
    this.take();
    this.#ring.purge(mmu);
  }

  /** An access without bytes, which no thread had to do, has ended. */
  retire(): void {
    Atomics.add(this.#shared.words, HEAD.retired, 1);
  }

  /** Takes what slots reported. `true`: there was something. */
  take(): boolean {
    if (this.#closed) return false;
    const { layout } = this.#shared;
    let found = false;
    for (let slot = 0; slot < layout.slots; slot++) {
      const at = layout.slot(slot);
      const number = this.#shared.load(at, SLOT.fault);
      if (number === this.#taken[slot] || this.#shared.load(at, SLOT.state) !== STATE.faulted) continue;
      const mmu = this.#pages(this.#shared.load(at, SLOT.mmu));
      const address = this.#shared.number(at, SLOT.address);
      const access = this.#shared.load(at, SLOT.access);
      // It may have been released, and stalled elsewhere: its next look tells.
      if (this.#shared.load(at, SLOT.fault) !== number) continue;
      this.#taken[slot] = number;
      if (mmu === undefined) continue;
      this.#ring.report(mmu.id, Math.floor(address / mmu.faultPageSize), access, layout.laneOf(slot));
      found = true;
    }
    return found;
  }
}
