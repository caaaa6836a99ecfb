import { type Addon } from '../addon/addon.js';
import { type Mapping, type Memfd } from '../addon/mapping.js';
import { attempt } from './refusal.js';

/** Bytes a window has. Small enough that offsets in it are small integers, large enough that few ranges lie in two. */
const WINDOW_BYTES = 2 ** 30;

/**
 * The bytes of frames, or places: a file in memory, where number `n` is the `pageSize` bytes from `(n - base) * pageSize` on. It has holes where
 * nothing was touched. Core and devices see it through windows, which never move or go.
 */
export class FrameFile {
  /** The file, for mappings of it. */
  readonly file: Memfd;
  private readonly windows: (Uint8Array | undefined)[] = [];
  private readonly mappings: Mapping[] = [];
  private readonly shift: number;
  private readonly mask: number;

  constructor(
    private readonly addon: Addon,
    readonly pageSize: number,
    private readonly base: number,
  ) {
    this.shift = Math.log2(WINDOW_BYTES / pageSize);
    this.mask = 2 ** this.shift - 1;
    this.file = attempt('memory for pages', () => addon.Memfd.create(WINDOW_BYTES));
  }

  get bytes(): number {
    return 200 * this.mappings.length + 8 * this.windows.length;
  }

  /** Makes the file long enough for numbers below `end`. @throws MirrorError `OUT_OF_HOST_MEMORY` */
  reach(end: number): void {
    const length = Math.ceil(this.positionOf(end) / WINDOW_BYTES) * WINDOW_BYTES;
    if (length > this.file.length) attempt('memory for pages', () => this.file.grow(length));
  }

  /** Where a number's bytes begin in the file. */
  positionOf(frame: number): number {
    return (frame - this.base) * this.pageSize;
  }

  /** The number whose bytes a position is among. */
  numberAt(position: number): number {
    return this.base + Math.floor(position / this.pageSize);
  }

  bufferOf(frame: number): Uint8Array {
    const window = (frame - this.base) >>> this.shift;
    return this.windows[window] ?? this.open(window);
  }

  offsetOf(frame: number): number {
    return ((frame - this.base) & this.mask) * this.pageSize;
  }

  /** The bytes of frames as one array; `undefined` when they lie in two windows. */
  view(first: number, count: number): Uint8Array | undefined {
    if ((first - this.base) >>> this.shift !== (first - this.base + count - 1) >>> this.shift) return undefined;
    const offset = this.offsetOf(first);
    return this.bufferOf(first).subarray(offset, offset + count * this.pageSize);
  }

  /** Gives the memory of frames back; they are zeros. */
  punch(first: number, count: number): void {
    this.file.punch(this.positionOf(first), count * this.pageSize);
  }

  private open(window: number): Uint8Array {
    const opened = attempt('address space for pages', () => {
      this.reach(this.base + (window + 1) * 2 ** this.shift);
      const mapping = this.addon.Mapping.map(this.file, window * WINDOW_BYTES, WINDOW_BYTES);
      this.mappings.push(mapping);
      // Or the engine would collect garbage for each gigabyte.
      return new Uint8Array(mapping.arrayBuffer(0, WINDOW_BYTES, false));
    });
    while (this.windows.length <= window) this.windows.push(undefined);
    this.windows[window] = opened;
    return opened;
  }
}
