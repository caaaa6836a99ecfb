import type { Region } from './region.js';
import { PAGE_DIRTY, PAGE_CACHED, PAGE_ZERO } from './page-state.js';
import { MirrorError } from '../driver/index.js';
import type { SpaceState } from './state.js';

/** What the CPU wants to do with a range. */
export type HoldMode = 'read' | 'write';

/** How long to wait for a range, and what may end the wait. */
export interface HoldOptions {
  /** Milliseconds without any progress before `DEVICE_TIMEOUT`; > 0. Default 30,000. */
  readonly timeoutMs?: number;
  /** Ends the wait with `ABORTED`. */
  readonly signal?: AbortSignal;
  /** With mode `write`: what the range holds is not needed. Whole pages then begin as zeros, and nothing is copied home. Default false. */
  readonly discard?: boolean;
}

/** The typed arrays that {@link Held.as} can make. */
export type ViewConstructor<T> = {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
};

/**
 * A range the CPU holds: devices may read it while it is held for reading and wait while it is held for writing. Release it
 * (best with `using`) as soon as the CPU is done; its arrays must not be used afterwards.
 */
export class Held {
  readonly mode: HoldMode;
  /** First byte address. */
  readonly address: number;
  /** The bytes of the range. A view of host memory where its pages lie side by side, else a copy that release writes back. */
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

  /** Whether the range was given back. */
  get released(): boolean {
    return this.done;
  }

  /**
   * The range as a typed array, e.g. `held.as(Float32Array)`.
   * @throws RangeError when its address or length is no multiple of the element size; MirrorError `CLOSED` after release
   */
  as<T>(type: ViewConstructor<T>): T {
    if (this.done)
      throw new MirrorError('CLOSED', 'the range was released; acquire it again', { address: this.address });
    const size = type.BYTES_PER_ELEMENT;
    if (this.address % size !== 0 || this.bytes.byteLength % size !== 0) {
      throw new RangeError(
        `${this.bytes.byteLength} bytes at ${this.address} are not whole elements of ${size} bytes; acquire an aligned range`,
      );
    }
    return new type(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength / size);
  }

  /**
   * Gives the range back; what was written is then what devices see. Synchronous.
   * @throws MirrorError `CLOSED` when it was released before
   */
  release(): void {
    if (this.done)
      throw new MirrorError('CLOSED', 'the range was released before; release once', { address: this.address });
    this.done = true;
    const { store } = this.space;
    if (this.mode === 'write') {
      if (this.staging !== undefined) this.scatter(this.staging);
      for (const page of this.pages) if ((store.state[page]! & PAGE_CACHED) !== 0) store.state[page]! |= PAGE_DIRTY;
    }
    for (const page of this.pages) store.unhold(page);
    store.announce();
    // A copy must not be mistaken for memory: its arrays become empty.
    if (this.staging !== undefined) structuredClone(this.staging, { transfer: [this.staging] });
    if (this.mode === 'write') this.bringToAccessors();
  }

  /** As {@link release}, for `using`; releasing before is no error here. */
  [Symbol.dispose](): void {
    if (!this.done) this.release();
  }

  private scatter(staging: ArrayBuffer): void {
    const { host } = this.space.store;
    const whole = new Uint8Array(staging);
    for (let i = 0; i < this.pages.length; i++) {
      const page = this.pages[i]!;
      host.bufferOf(page).set(whole.subarray(i * host.pageSize, (i + 1) * host.pageSize), host.offsetOf(page));
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
  return pin == null ? accessedBy : [...accessedBy, pin];
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
  const { host, state } = space.store;
  const bytes = new Uint8Array(pages.length * host.pageSize);
  for (let i = 0; i < pages.length; i++) {
    if ((state[pages[i]!]! & PAGE_ZERO) !== 0) continue;
    const offset = host.offsetOf(pages[i]!);
    bytes.set(host.bufferOf(pages[i]!).subarray(offset, offset + host.pageSize), i * host.pageSize);
  }
  return bytes.buffer;
}
