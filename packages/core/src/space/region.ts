import { MIN_PAGE_SIZE } from '../address/index.js';
import { MirrorError } from '../driver/index.js';
import type { MemoryObject } from './memory-object.js';
import type { Held, HoldMode, HoldOptions, ViewConstructor } from './held.js';
import type { RemapPagesOptions } from './remap-options.js';
import type { ByteSource } from './source.js';

/** What CPU and devices may do with a region. `none` keeps the address range and its contents, but no access succeeds. */
export type RegionAccess = 'none' | 'read' | 'read-write';

/** What `space.map` takes. */
export interface MapOptions {
  /** Bytes to map, 1 to 2^47; rounded up to whole pages. */
  readonly bytes: number;
  /** Where: a hint, or with `fixed` a demand. Byte address; with `fixed` a multiple of the page size. */
  readonly address?: number;
  /** The region starts exactly at `address`; what is mapped there is replaced. Default false. */
  readonly fixed?: boolean;
  /** Default `read-write`. */
  readonly access?: RegionAccess;
  /** `shared`: fork keeps sharing it and writes reach the source. `private`: copy on write. Default `private`. */
  readonly share?: 'private' | 'shared';
  /** Bytes to map; anonymous (zeros) without. */
  readonly source?: ByteSource;
  /** Offset of the region's first byte in the source; a multiple of the page size. Default 0. */
  readonly offset?: number;
  /** Name for traces and messages. */
  readonly name?: string;
  /**
   * Plain loads and stores reach it: {@link Region.buffer} and {@link Region.array} give arrays that stay valid until it is unmapped, and its address is that
   * of its first byte in the process where the space has such addresses. It is anonymous and `shared`. Default: true for anonymous
   * regions on host memory that can do it (`@mirrorspace/native`) unless `share` is `private`.
   */
  readonly live?: boolean;
}

/** A part of a region, and how it is shown. */
export interface BufferOptions {
  /** First byte, from the region's first. Default 0. */
  readonly offset?: number;
  /** Bytes, up to 4 GiB. Default: up to the end of the region. */
  readonly bytes?: number;
  /** A SharedArrayBuffer, which can be given to other threads. Default false. */
  readonly shared?: boolean;
}

/** Hints about how a region is used. They change speed, never results. */
export interface Advice {
  /** Where its pages should live: a mirror of the space, the host, or nowhere in particular. Default `null`. */
  readonly preferredLocation?: object | 'host' | null;
  /** Written seldom: devices get copies rather than ownership when they read ahead. Default false. */
  readonly readMostly?: boolean;
  /** Mirrors that get the pages again after each CPU hold on them, before they fault. Default none. */
  readonly accessedBy?: readonly object[];
  /** Mirror on whose device the pages stay, strictly, until `null` is given. Default `null`. */
  readonly pin?: object | null;
  /**
   * Private pages may be merged with identical ones of this and other spaces by `space.merge`. Taken back, what is merged stays so
   * until it is written. A fork inherits it. Default false.
   */
  readonly mergeable?: boolean;
}

/** What a region needs of its space. */
export interface RegionOwner {
  readonly pageSize: number;
  acquire(start: number, bytes: number, mode: HoldMode, options?: HoldOptions): Promise<Held>;
  unmap(start: number, bytes: number): Promise<void>;
  rearrange(region: Region, options: RemapPagesOptions): Promise<void>;
}

/** How a region was made. */
export interface RegionInit {
  readonly start: number;
  readonly end: number;
  readonly access: RegionAccess;
  readonly shared: boolean;
  readonly object: MemoryObject | undefined;
  readonly objectPage: number;
  readonly name: string;
  readonly advice: Advice;
}

/**
 * A mapped range of a space. When a part is unmapped, this handle stays with the lowest part that is left (the others are
 * found by `space.regionAt`); when nothing is left it is closed.
 */
export class Region {
  /** Name for traces and messages. */
  readonly name: string;
  /** Whether fork shares it rather than copying on write. */
  readonly shared: boolean;
  /** Page cache it maps. @internal */
  readonly object: MemoryObject | undefined;
  /** Index in `object` of the page at `start`. @internal */
  objectPage: number;
  /** First byte address; changed by the space only. */
  start: number;
  /** End address, exclusive; changed by the space only. */
  end: number;
  /** Rights; changed by `space.protect` only. */
  access: RegionAccess;
  /** Hints; changed by `space.advise` only. */
  advice: Advice;
  /** Whether nothing is left of it. */
  closed = false;
  private readonly owner: RegionOwner;

  /** Made by `space.map`. @internal */
  constructor(owner: RegionOwner, init: RegionInit) {
    this.owner = owner;
    this.start = init.start;
    this.end = init.end;
    this.access = init.access;
    this.shared = init.shared;
    this.object = init.object;
    this.objectPage = init.objectPage;
    this.name = init.name;
    this.advice = init.advice;
  }

  /** First byte address: the pointer to hand to programs. */
  get address(): number {
    return this.start;
  }

  /** Length in bytes, whole pages; 0 when closed. */
  get bytes(): number {
    return this.closed ? 0 : this.end - this.start;
  }

  /** Page size of its space, in bytes. */
  get pageSize(): number {
    return this.owner.pageSize;
  }

  /** Holds all of it, or `bytes` from `offset`, for the CPU; see `space.acquire`. */
  async acquire(mode: HoldMode, options: HoldOptions & { offset?: number; bytes?: number } = {}): Promise<Held> {
    if (this.closed) throw new MirrorError('CLOSED', `region "${this.name}" was unmapped; map another one`);
    const part = this.part(options);
    return this.owner.acquire(part.start, part.bytes, mode, options);
  }

  /** Whether plain loads and stores reach it. */
  get live(): boolean {
    return this.object?.live !== undefined;
  }

  /**
   * Its bytes, or a part of them, for plain loads and stores. A load or store of a page that a device owns waits until that is home, which the
   * thread that has the space sees to: on that thread itself, `acquire` what a device may own before. What is stored before a launch is
   * seen by it, what a launch stored is seen after its fence. When the region is unmapped ArrayBuffers are detached, and SharedArrayBuffers read as zeros.
   * @throws TypeError; RangeError, also for an `offset` that is no multiple of 4096; MirrorError `UNSUPPORTED` for a region that is not `live`, `CLOSED`
   */
  buffer(options: BufferOptions = {}): ArrayBufferLike {
    if (this.closed) throw new MirrorError('CLOSED', `region "${this.name}" was unmapped; map another one`);
    const { start, bytes } = this.part(options);
    const { shared = false } = options;
    if (typeof shared !== 'boolean') throw new TypeError(`shared must be a boolean, got ${typeof shared}`);
    const live = this.object?.live;
    if (live !== undefined) return live.buffer(this.objectPage * this.pageSize + start - this.start, bytes, shared);
    throw new MirrorError(
      'UNSUPPORTED',
      `region "${this.name}" is not live: acquire it instead, or map an anonymous region with live on host memory of @mirrorspace/native`,
      { address: this.start },
    );
  }

  /**
   * As {@link buffer}, as a typed array, e.g. `region.array(Float32Array)`; from any offset that is a multiple of the element size.
   * @throws as {@link buffer}, RangeError when the part is not whole elements
   */
  array<T>(type: ViewConstructor<T>, options: BufferOptions = {}): T {
    if (typeof type !== 'function') throw new TypeError('array takes the constructor of a typed array');
    if (this.closed) throw new MirrorError('CLOSED', `region "${this.name}" was unmapped; map another one`);
    const { start, bytes } = this.part(options);
    const size = type.BYTES_PER_ELEMENT;
    const offset = start - this.start;
    if (offset % size !== 0 || bytes % size !== 0)
      throw new RangeError(`${bytes} bytes at offset ${offset} are not whole elements of ${size} bytes`);
    const lead = offset % MIN_PAGE_SIZE;
    const buffer = this.buffer({ ...options, offset: offset - lead, bytes: bytes + lead });
    return new type(buffer, lead, bytes / size);
  }

  /** Unmaps all of it, or `bytes` from `offset`; see `space.unmap`. A closed region is done already. */
  async unmap(part: { offset?: number; bytes?: number } = {}): Promise<void> {
    if (this.closed) return;
    const { start, bytes } = this.part(part);
    await this.owner.unmap(start, bytes);
  }

  /**
   * Rearranges its pages: of a shared region any pages of its source can be seen anywhere, one of them in several places as well; of
   * private anonymous memory two ranges change places. Nothing is copied. Resolves when devices obey. A part of a shared region
   * becomes a region of its own, as by `space.protect`. The kernel's `remap_file_pages`.
   * @throws TypeError, RangeError; MirrorError `INVALID_ARGUMENT` for private mappings of a source, `DEVICE_TIMEOUT`, `BUSY` when the
   *   region changed meanwhile (`unmap-flush` only; nothing is rearranged then), `CLOSED`
   */
  async remapPages(options: RemapPagesOptions): Promise<void> {
    if (this.closed) throw new MirrorError('CLOSED', `region "${this.name}" was unmapped; map another one`);
    if (typeof options !== 'object' || options === null)
      throw new TypeError('remapPages takes { offset, bytes, from, form? }');
    await this.owner.rearrange(this, options);
  }

  /** @throws TypeError, RangeError for a part that is empty or reaches out of the region */
  private part(part: { offset?: number; bytes?: number }): { start: number; bytes: number } {
    if (typeof part !== 'object' || part === null) throw new TypeError('a part is { offset?, bytes? }');
    const { offset = 0, bytes = this.bytes - offset } = part;
    if (typeof offset !== 'number' || typeof bytes !== 'number')
      throw new TypeError('offset and bytes must be numbers of bytes');
    const inside = Number.isSafeInteger(offset) && Number.isSafeInteger(bytes) && offset >= 0 && bytes > 0;
    if (!inside || offset + bytes > this.bytes)
      throw new RangeError(`${bytes} bytes at offset ${offset} are no part of a region of ${this.bytes} bytes`);
    return { start: this.start + offset, bytes };
  }
}
