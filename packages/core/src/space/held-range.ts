import type { Held, HoldMode, ViewConstructor } from './held.js';
import type { Region } from './region.js';
import { PAGE_DIRTY, PAGE_CACHED, PAGE_ZERO } from './page-state.js';
import { MirrorError } from '../driver/index.js';
import type { MemoryObject } from './memory-object.js';
import { unholdObjects } from './release.js';
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
  /** What the copy held at first, where a page is in it more than once. */
  private readonly before: Uint8Array | undefined;
  /** What the pages belong to that outlives its regions until they are released. */
  private readonly objects: readonly MemoryObject[];
  private readonly length: number;
  private overwritten = false;
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
    if (this.staging !== undefined && mode === 'write' && new Set(pages).size < pages.length)
      this.before = new Uint8Array(this.staging.slice(0));
    this.objects = mode === 'write' ? sharedObjects(space, start, start + bytes) : [];
    for (const object of this.objects) object.hold();
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

  /** Sets all bytes, as many as the range has; where a page is mapped more than once, those of its highest address stay. */
  overwrite(from: Uint8Array): void {
    if (this.staging === undefined) this.bytes.set(from);
    else this.scatter(from, undefined);
    this.overwritten = true;
  }

  release(): void {
    if (this.done)
      throw new MirrorError('CLOSED', 'the range was released before; release once', { address: this.address });
    this.done = true;
    const { store } = this.space;
    if (this.mode === 'write') {
      if (this.staging !== undefined && !this.overwritten) this.scatter(this.bytes, this.before);
      for (const page of this.pages) {
        store.host.tracker.note(page, 1);
        if (store.any(page, PAGE_CACHED)) store.mark(page, PAGE_DIRTY);
      }
    }
    for (const page of this.pages) store.unhold(page);
    unholdObjects(this.space, this.objects);
    store.announce();
    // A copy must not be mistaken for memory: its arrays become empty.
    if (this.staging !== undefined) structuredClone(this.staging, { transfer: [this.staging] });
    if (this.mode === 'write') this.bringToAccessors();
  }

  [Symbol.dispose](): void {
    if (!this.done) this.release();
  }

  /** Puts the bytes of the range into its pages; of pages that are in it more than once, those that differ from `before`. */
  private scatter(bytes: Uint8Array, before: Uint8Array | undefined): void {
    const { host } = this.space.store;
    const { pageSize } = host;
    const start = this.address % pageSize;
    for (let i = 0; i < this.pages.length; i++) {
      const page = this.pages[i]!;
      const from = Math.max(i * pageSize, start);
      const to = Math.min((i + 1) * pageSize, start + this.length);
      const target = host.bufferOf(page);
      const at = host.offsetOf(page) + from - i * pageSize;
      const part = bytes.subarray(from - start, to - start);
      if (before === undefined) target.set(part, at);
      else
        for (let byte = 0; byte < part.length; byte++)
          if (part[byte] !== before[from + byte]) target[at + byte] = part[byte]!;
    }
  }

  private bringToAccessors(): void {
    const end = this.address + this.length;
    for (const region of this.space.regions.overlapping(this.address, end)) {
      for (const mirror of accessorsOf(region)) bring(this.space, mirror, region, this.address, end);
    }
  }
}

function sharedObjects(space: SpaceState, start: number, end: number): MemoryObject[] {
  const objects = new Set<MemoryObject>();
  for (const { shared, object } of space.regions.overlapping(start, end))
    if (shared && object !== undefined) objects.add(object);
  return [...objects];
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
  const bytes = allocate(pages.length * host.pageSize);
  for (let i = 0; i < pages.length; i++) {
    if (store.any(pages[i]!, PAGE_ZERO)) continue;
    const offset = host.offsetOf(pages[i]!);
    bytes.set(host.bufferOf(pages[i]!).subarray(offset, offset + host.pageSize), i * host.pageSize);
  }
  return bytes.buffer;
}

function allocate(bytes: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    throw new MirrorError(
      'OUT_OF_HOST_MEMORY',
      `the engine has no ${bytes} bytes left to copy a range whose pages do not lie side by side; hold less at once`,
      { cause },
    );
  }
}
