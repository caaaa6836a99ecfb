import type { Held, HoldMode, ViewConstructor } from './held.js';
import type { Region } from './region.js';
import { PAGE_DIRTY, PAGE_CACHED, PAGE_ZERO } from './page-state.js';
import { MirrorError } from '../driver/index.js';
import type { SpaceState } from './state.js';

/** A held range of managed memory: one view where its pages lie side by side, else a copy. */
export class HeldRange implements Held {
  readonly mode: HoldMode;
  readonly address: number;
  readonly bytes: Uint8Array;
  private readonly space: SpaceState;
  private readonly pages: Uint32Array;
  /** The copy's memory, where the range is not one view. */
  private readonly staging: ArrayBuffer | undefined;
  private readonly length: number;
  private done = false;

  constructor(space: SpaceState, mode: HoldMode, start: number, bytes: number, pages: Uint32Array) {
    this.space = space;
    this.mode = mode;
    this.address = start;
    this.pages = pages;
    const offset = start - Math.floor(start / space.pageSize) * space.pageSize;
    this.length = bytes;
    const view = contiguous(space, pages);
    if (view === undefined) this.staging = gather(space, pages);
    this.bytes = (view ?? new Uint8Array(this.staging!)).subarray(offset, offset + bytes);
  }

  get released(): boolean {
    return this.done;
  }

  as<T>(type: ViewConstructor<T>): T {
    if (this.done)
      throw new MirrorError('CLOSED', 'the range was released; acquire it again', { address: this.address });
    if (typeof type !== 'function') throw new TypeError('as takes the constructor of a typed array');
    const size = type.BYTES_PER_ELEMENT;
    if (this.address % size !== 0 || this.bytes.byteLength % size !== 0) {
      throw new RangeError(
        `${this.bytes.byteLength} bytes at ${this.address} are not whole elements of ${size} bytes; acquire an aligned range`,
      );
    }
    return new type(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength / size);
  }

  release(): void {
    if (this.done)
      throw new MirrorError('CLOSED', 'the range was released before; release once', { address: this.address });
    this.done = true;
    const { store } = this.space;
    if (this.mode === 'write') {
      if (this.staging !== undefined) this.scatter(this.staging);
      for (const page of this.pages) {
        store.host.tracker.note(page, 1);
        if (store.any(page, PAGE_CACHED)) store.mark(page, PAGE_DIRTY);
      }
    }
    for (const page of this.pages) store.unhold(page);
    store.announce();
    // A copy must not be mistaken for memory: its arrays become empty.
    if (this.staging !== undefined) structuredClone(this.staging, { transfer: [this.staging] });
    if (this.mode === 'write') this.bringToAccessors();
  }

  [Symbol.dispose](): void {
    if (!this.done) this.release();
  }

  private scatter(staging: ArrayBuffer): void {
    const { host } = this.space.store;
    const whole = new Uint8Array(staging);
    const { pageSize } = host;
    const start = this.address % pageSize;
    for (let i = 0; i < this.pages.length; i++) {
      const page = this.pages[i]!;
      // Not what is beside the range: a page that is mapped twice lies beside itself.
      const from = Math.max(i * pageSize, start);
      const to = Math.min((i + 1) * pageSize, start + this.length);
      host.bufferOf(page).set(whole.subarray(from, to), host.offsetOf(page) + from - i * pageSize);
    }
  }

  private bringToAccessors(): void {
    const end = this.address + this.length;
    for (const region of this.space.regions.overlapping(this.address, end)) {
      for (const mirror of accessorsOf(region)) bring(this.space, mirror, region, this.address, end);
    }
  }
}

function accessorsOf(region: Region): readonly object[] {
  const { accessedBy = [], pin } = region.advice;
  return pin === undefined || pin === null ? accessedBy : [...accessedBy, pin];
}

function bring(space: SpaceState, accessor: object, region: Region, start: number, end: number): void {
  for (const mirror of space.mirrors) {
    // Best effort: whatever fails here faults in later and is reported there.
    if (mirror === accessor)
      mirror.bring(Math.max(start, region.start), Math.min(end, region.end)).catch(() => undefined);
  }
}

function contiguous(space: SpaceState, pages: Uint32Array): Uint8Array | undefined {
  for (let i = 1; i < pages.length; i++) if (pages[i] !== pages[0]! + i) return undefined;
  return space.store.host.view(pages[0]!, pages.length);
}

function gather(space: SpaceState, pages: Uint32Array): ArrayBuffer {
  const { store } = space;
  const { host } = store;
  const bytes = new Uint8Array(pages.length * host.pageSize);
  for (let i = 0; i < pages.length; i++) {
    if (store.any(pages[i]!, PAGE_ZERO)) continue;
    const offset = host.offsetOf(pages[i]!);
    bytes.set(host.bufferOf(pages[i]!).subarray(offset, offset + host.pageSize), i * host.pageSize);
  }
  return bytes.buffer;
}
