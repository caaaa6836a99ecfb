import type { DescriptorClass } from './descriptor.js';
import type { DiskFileClass } from './disk-file.js';
import type { Mapping, MappingClass, MemfdClass } from './mapping.js';
import type { UserfaultClass } from './userfault.js';

/** Categories of pages, as of `PAGEMAP_SCAN`. */
export const PageCategory = {
  /** Writes to it are tracked. */
  tracked: 1,
  /** Written since it was protected; a page that is not there counts as well. */
  written: 2,
  file: 4,
  present: 8,
  swapped: 16,
  zero: 32,
  huge: 64,
} as const;

/** Flags of `pagemapScan`. */
export const ScanFlag = {
  /** Protects what it finds, in the same step. */
  protect: 1,
  /** Fails with `EPERM` where writes are not tracked asynchronously. */
  checkAsync: 2,
} as const;

/** How a futex wait ended, as of `Atomics.wait`. A wait may end with `ok` though nobody woke it: look at the word. */
export type FutexResult = 'ok' | 'not-equal' | 'timed-out';

/**
 * What the addon exports. Each call checks its arguments: TypeError, RangeError; what the system refuses is an Error
 * `{ errno, code: 'EINVAL', call: 'UFFDIO_COPY' }`; what was closed is an Error with the code `CLOSED`.
 */
export interface Addon {
  /** What the in-process device is measured against. */
  readonly peers: {
    /** `to[i] = from[i] * 3 + 1` for 32-bit words, `passes` times, in plain C. */
    stream(from: ArrayBufferView, to: ArrayBufferView, passes: number): void;
    /** Sums `rounds` of the words at random places, in plain C. A power of two of words. */
    gather(words: ArrayBufferView, rounds: number): number;
    /** Two threads that wake each other `rounds` times by bare futexes. @returns Nanoseconds of all */
    futexRoundTrips(rounds: number): number;
  };
  /** Bytes of a page. */
  readonly pageSize: number;
  /** Opens files that ioctls go to. */
  readonly Descriptor: DescriptorClass;
  /** Makes files in memory. */
  readonly DiskFile: DiskFileClass;
  readonly Memfd: MemfdClass;
  /** Makes mappings. */
  readonly Mapping: MappingClass;
  /** Opens userfaultfds. */
  readonly Userfault: UserfaultClass;
  /**
   * Scans a range for pages of some categories.
   *
   * @param out - Gets the number of runs, their pages, and the offset where the scan ended (before the end when `out` is full), then three
   * numbers a run: start and end as offsets in the mapping, and its categories.
   * @param flags - Sum of {@link ScanFlag}s.
   * @param all - Categories that a page must all be of.
   * @param any - Categories of which it must be of one, where given.
   * @param inverted - Categories whose meaning is inverted.
   * @param report - Categories that runs are told apart by; `all` and `any` when left out.
   * @returns Runs.
   */
  pagemapScan(
    this: void,
    mapping: Mapping,
    offset: number,
    length: number,
    out: Float64Array,
    flags: number,
    all: number,
    any?: number,
    inverted?: number,
    report?: number,
  ): number;
  /** Hashes pages of `pageSize` bytes (a power of two, at least 64). The keys are random in each process. */
  hashPages(
    this: void,
    source: Mapping | ArrayBufferView,
    offset: number,
    length: number,
    pageSize: number,
    hashes: BigUint64Array,
  ): void;
  /** Hashes pages again, and finds those whose hash is another: their numbers go to `out`, their hashes to `hashes`. @returns How many */
  changedPages(
    this: void,
    source: Mapping | ArrayBufferView,
    offset: number,
    length: number,
    pageSize: number,
    hashes: BigUint64Array,
    out: Uint32Array,
  ): number;
  /** Finds pages that differ between two places: their numbers go to `out`. @returns How many */
  differentPages(
    this: void,
    a: Mapping | ArrayBufferView,
    aOffset: number,
    b: Mapping | ArrayBufferView,
    bOffset: number,
    length: number,
    pageSize: number,
    out: Uint32Array,
  ): number;
  /**
   * Sleeps while `array[index]` is `expected`, at most `timeoutMs` (0 to 60000). Who waits at one mapping of a file hears who wakes at another.
   * `Atomics.wait` and `Atomics.notify` are something else: neither hears the other.
   */
  futexWait(
    this: void,
    array: Int32Array | Uint32Array,
    index: number,
    expected: number,
    timeoutMs: number,
  ): FutexResult;
  /** The same off the event loop. Rejects with `BUSY` beyond 256 waits at once. */
  futexWaitAsync(
    this: void,
    array: Int32Array | Uint32Array,
    index: number,
    expected: number,
    timeoutMs: number,
  ): Promise<FutexResult>;
  /** Wakes up to `count` waits, all when left out. @returns How many */
  futexWake(this: void, array: Int32Array | Uint32Array, index: number, count?: number): number;
  /**
   * Serves faults on missing pages of a mapping by one copy of a page each, and does nothing else: a peer for benchmarks.
   *
   * @returns Ends it.
   */
  bareFaultHandler(this: void, mapping: Mapping): () => void;
  /** Structs and ioctl numbers as the compiler sees them, for tests of the codec. */
  abiTable(this: void): AbiTable;
  /** Tells that the process ends: waits end, and no thread stays in a fault that only JavaScript could serve. `load.ts` calls it. */
  processEnds(this: void): void;
}

/** See {@link Addon.abiTable}. */
export interface AbiTable {
  /** Sizes of structs and offsets of their fields, in bytes. */
  readonly structs: Readonly<
    Record<string, { readonly size: number; readonly fields: Readonly<Record<string, number>> }>
  >;
  /** ioctl numbers. */
  readonly numbers: Readonly<Record<string, number>>;
}
