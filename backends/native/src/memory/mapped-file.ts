import type { Addon } from '../addon/addon.js';
import type { DiskFile } from '../addon/disk-file.js';
import type { Mapping } from '../addon/mapping.js';
import { attempt } from './refusal.js';

/** Bytes a window has. */
const WINDOW_BYTES = 2 ** 30;

interface Window {
  readonly mapping: Mapping;
  readonly bytes: Uint8Array;
  /** Bytes that show the file; behind them are zeros. */
  shown: number;
}

/** Pages of a file in the page cache, through windows that never move while any of them is in use. */
export class MappedFile {
  /** Blocks of frame numbers, by block of pages. */
  readonly numbers = new Map<number, number>();
  /** Numbers of its first pages. */
  reserved: { readonly first: number; readonly count: number } | undefined;
  private readonly windows = new Map<number, Window>();
  /** Pages that are the file's no more. */
  private readonly parted = new Set<number>();
  private readonly perWindow: number;

  constructor(
    private readonly addon: Addon,
    private readonly disk: DiskFile,
    private readonly pageSize: number,
  ) {
    this.perWindow = WINDOW_BYTES / pageSize;
  }

  /** The number that is reserved for a page. */
  reservedAt(page: number): number | undefined {
    const { reserved } = this;
    return reserved === undefined || page >= reserved.count ? undefined : reserved.first + page;
  }

  /** The window with a page. @throws MirrorError `OUT_OF_HOST_MEMORY` */
  bufferOf(page: number): Uint8Array {
    return this.windowOf(page).bytes;
  }

  offsetOf(page: number): number {
    return (page % this.perWindow) * this.pageSize;
  }

  /** Puts copies of pages of one window in their place, in one step, and as one mapping: a process has few. @throws MirrorError `OUT_OF_HOST_MEMORY` */
  part(page: number, count: number): void {
    const { mapping, bytes } = this.windowOf(page);
    const offset = this.offsetOf(page);
    const length = count * this.pageSize;
    attempt('copies of pages of a file', () => {
      const copy = this.addon.Mapping.reserve(length);
      try {
        new Uint8Array(copy.arrayBuffer(0, length)).set(bytes.subarray(offset, offset + length));
        copy.move(0, length, mapping, offset);
      } finally {
        copy.unmap();
      }
    });
    for (let i = 0; i < count; i++) this.parted.add(page + i);
  }

  /** A page that the file has, and nobody uses, is about to be used. @throws MirrorError `OUT_OF_HOST_MEMORY` */
  join(page: number): void {
    const { mapping } = this.windowOf(page);
    if (!this.parted.has(page)) return;
    attempt('a mapping of a file', () =>
      mapping.place(this.offsetOf(page), this.disk, page * this.pageSize, this.pageSize),
    );
    this.parted.delete(page);
  }

  /** Nobody uses any of its pages. */
  unmap(): void {
    for (const { mapping } of this.windows.values()) mapping.unmap();
    this.windows.clear();
    this.parted.clear();
    this.reserved = undefined;
  }

  private windowOf(page: number): Window {
    const number = Math.floor(page / this.perWindow);
    const window = this.windows.get(number) ?? this.open(number);
    if (this.offsetOf(page) >= window.shown) this.show(window, number * WINDOW_BYTES);
    return window;
  }

  private open(number: number): Window {
    return attempt('address space for a file', () => {
      const mapping = this.addon.Mapping.reserve(WINDOW_BYTES);
      const made = { mapping, bytes: new Uint8Array(mapping.arrayBuffer(0, WINDOW_BYTES, false)), shown: 0 };
      this.windows.set(number, made);
      return made;
    });
  }

  /** Shows as much of the file as it has: nothing behind its end, where an access would end the process. */
  private show(window: Window, start: number): void {
    const length = Math.ceil(this.disk.length / this.pageSize) * this.pageSize;
    const end = Math.min(WINDOW_BYTES, length - start);
    if (end <= window.shown) return;
    attempt('a mapping of a file', () =>
      window.mapping.place(window.shown, this.disk, start + window.shown, end - window.shown),
    );
    window.shown = end;
  }
}
