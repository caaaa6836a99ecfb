import type { DiskFile } from './disk-file.js';
import type { DriverFile } from './driver-file.js';

/** What `Mapping.advise` takes: `MADV_*` of Linux. Others are refused: some of them make an access a crash. */
export const Advice = {
  normal: 0,
  random: 1,
  sequential: 2,
  willNeed: 3,
  /** Drops the pages: private ones read as zeros then, those of a file come back. */
  dontNeed: 4,
  /** The kernel may drop them when it needs memory. */
  free: 8,
  /** Drops them, and what is behind them in the file. */
  remove: 9,
  mergeable: 12,
  unmergeable: 13,
  hugePage: 14,
  noHugePage: 15,
  dontDump: 16,
  doDump: 17,
  cold: 20,
  pageOut: 21,
  populateRead: 22,
  populateWrite: 23,
  collapse: 25,
} as const;

/** Makes files in memory. */
export interface MemfdClass {
  /**
   * A file of zeros without a name; no memory is committed.
   *
   * @param length - Bytes, a multiple of the page size.
   * @throws Error `{ errno, code, call }`, `EFBIG` beyond `RLIMIT_FSIZE`.
   */
  create(length: number): Memfd;
  /** The file that another thread shared. @throws Error `CLOSED` when it is closed everywhere. */
  adopt(token: number): Memfd;
}

/** A file in memory that mappings share. It grows but never shrinks, so what is mapped of it stays. */
export interface Memfd {
  /** Whether it was closed here. */
  readonly closed: boolean;
  /** Bytes; 0 when closed. */
  readonly length: number;
  /** Bytes that memory is committed for. */
  readonly committed: number;
  /** Makes it longer. @param length - Bytes, a multiple of the page size, not less than now. */
  grow(length: number): void;
  /** Gives back the memory of a range, which reads as zeros then. */
  punch(offset: number, length: number): void;
  /**
   * Finds what of a range has memory.
   *
   * @param out - Gets two numbers a run: start and end, offsets in the file.
   * @returns Runs; as many as `out` has room for when there may be more.
   */
  data(offset: number, length: number, out: Float64Array): number;
  /** A number by which another thread of this process can adopt it. */
  share(): number;
  /** Closes it; what is mapped of it stays until it is unmapped. */
  close(): void;
}

/** Makes mappings. */
export interface MappingClass {
  /**
   * Reserves address space that reads as zeros; no memory is committed (`MAP_NORESERVE`).
   *
   * @param length - Bytes, a multiple of the page size, up to terabytes.
   * @throws Error `{ errno, code, call }`, `ENOMEM` when address space is exhausted or limited.
   */
  reserve(length: number): Mapping;
  /**
   * Maps a part of a file. Several mappings of one part are the same memory at several addresses, but for a file on a disk that is not `writable`: what is
   * written there stays in the mapping. Of a Descriptor that requests were declared for, or that a driver made, it maps what the driver has at that
   * offset, which the driver checks.
   * @throws RangeError beyond the page with the file's end; Error `{ errno, code, call }` for what a driver refuses, `ENODEV` where it is no driver's file
   */
  map(file: Memfd | DiskFile | DriverFile, offset: number, length: number): Mapping;
  /** The mapping that another thread shared. @throws Error `CLOSED` when it is closed everywhere. */
  adopt(token: number): Mapping;
}

/**
 * A range of address space that belongs to the addon. Offsets and lengths are bytes and multiples of the page size; what is not within
 * the mapping is a RangeError. No child of a fork has it (`MADV_DONTFORK`). It lives until it is {@link unmap | unmapped}, or until it and all its
 * buffers are collected.
 */
export interface Mapping {
  /** Whether it was unmapped here. */
  readonly closed: boolean;
  /** Bytes; 0 when unmapped. */
  readonly length: number;
  /** Where it is, for information: no call takes an address. */
  readonly address: number;
  /**
   * An ArrayBuffer over a part, up to 4 GiB. It keeps the mapping alive.
   *
   * @param length - Bytes, at least 1, any number.
   * @param counted - Whether the garbage collector reckons with its bytes, as it does when left out. If not, it cannot be detached: not
   * transferred, and after `unmap` it reads as zeros.
   */
  arrayBuffer(offset: number, length: number, counted?: boolean): ArrayBuffer;
  /** The same as a SharedArrayBuffer. @throws Error `UNSUPPORTED` in a Node whose V8 the addon does not know. */
  sharedArrayBuffer(offset: number, length: number): SharedArrayBuffer;
  /** Maps a part of a file in place of what was there. Registrations of a {@link Userfault} there end. */
  place(offset: number, file: Memfd | DiskFile, fileOffset: number, length: number): void;
  /** Fresh zero pages in place of what was there. Registrations of a {@link Userfault} there end. */
  clear(offset: number, length: number): void;
  /**
   * Moves pages, without copying, into another place: what was there goes, the source is empty afterwards. The range must be of one
   * piece (of one Memfd, or reserved). Registrations in the destination end. @throws Error `UNSUPPORTED` where a file on a disk is mapped
   */
  move(offset: number, length: number, into: Mapping, intoOffset: number): void;
  /** Tells the kernel about a range. @param advice - One of {@link Advice}. */
  advise(offset: number, length: number, advice: number): void;
  /** A number by which another thread of this process can {@link MappingClass.adopt | adopt} it. */
  share(): number;
  /**
   * Gives the memory up, for all threads. ArrayBuffers made in this thread are detached; SharedArrayBuffers and ArrayBuffers of other threads read as
   * zeros from then on, and the addresses stay reserved until they are collected. Unmapping twice does nothing.
   */
  unmap(): void;
}
