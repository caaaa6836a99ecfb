import type { Mapping } from './mapping.js';

/** Features of userfaultfd that `Userfault.open` takes. Others are refused: events that make `munmap` wait for us, `SIGBUS`. */
export const UffdFeature = {
  /** Write protection of private memory. */
  writeProtect: 1 << 0,
  missingShmem: 1 << 5,
  /** Faults say which thread. */
  threadId: 1 << 8,
  minorShmem: 1 << 10,
  exactAddress: 1 << 11,
  /** Write protection of memfds. */
  writeProtectShmem: 1 << 12,
  /** Pages that are not there can be protected. */
  writeProtectUnpopulated: 1 << 13,
  /** Writes are noted by the kernel for `pagemapScan`, nobody waits. */
  writeProtectAsync: 1 << 15,
  move: 1 << 16,
} as const;

/** What `register` registers for, to be added up. */
export const UffdMode = {
  /** Pages that are not there. */
  missing: 1,
  /** Writes to protected pages. */
  writeProtect: 2,
  /** Pages that the file has and the mapping has not. */
  minor: 4,
} as const;

/** Flags of a fault that `wait` returns. */
export const FaultFlag = {
  write: 1,
  writeProtect: 2,
  minor: 4,
} as const;

/** Where the pages of a registered range come from. */
export type PageSource = 'javascript' | 'zeros' | 'copy' | 'continue' | 'move';

/** How a range is served. */
export interface RegisterOptions {
  /** The caller's number for the range, 0 when left out; {@link Userfault.wait} returns it. */
  readonly token?: number;
  /**
   * Who serves its missing pages. `javascript`, the default: whoever calls {@link Userfault.wait}. The others: the handler thread, from
   * zeros, from a copy of `from`, from the file that is mapped there, or by moving the page of `from`.
   */
  readonly source?: PageSource;
  /** For `copy` and `move`: where the range's pages are. It must not have faults that anybody serves. */
  readonly from?: Mapping;
  /** Offset in `from` of the range's first page. */
  readonly fromOffset?: number;
  /** Brings pages write-protected, so that the first write to each is noted; needs `UffdMode.writeProtect`. Moved pages cannot be. */
  readonly clean?: boolean;
  /**
   * The kernel brings missing pages itself, unprotected, until some of the range are withheld: so system calls may meet them, too, where only faults of
   * user space are served. Not where writes are tracked synchronously.
   */
  readonly lazy?: boolean;
  /** Pages that a fault at a random place brings, 1 when left out, at most 512. */
  readonly least?: number;
  /** Pages that one fault brings at most, where accesses go forward: it doubles from fault to fault. `least` when left out. */
  readonly most?: number;
}

/** What happened since it was opened. */
export interface FaultCounters {
  /** Faults that the handler thread was told of. */
  readonly faults: number;
  /** Pages that it brought. */
  readonly installed: number;
  /** Pages that were there already when it came to bring them. */
  readonly present: number;
  /** Faults that were writes to protected pages. */
  readonly writes: number;
  /** Faults given to JavaScript. */
  readonly handed: number;
  /** Faults whose page the kernel refused to install, for lack of memory for example; they are given to JavaScript as well. */
  readonly failed: number;
}

/** Opens userfaultfds. */
export interface UserfaultClass {
  /**
   * Opens one: for all faults where that is permitted, else for those of user space.
   *
   * @param features - Sum of {@link UffdFeature}s.
   * @param userModeOnly - Does not even try to get those of the kernel (`fs.read` into a missing page is `EFAULT` then).
   * @param patienceMs - How long an access may wait for JavaScript to bring its page, 1 to 600000; 30000 when left out.
   * @param exits - What happens beyond that. `true`, the default: the process ends with the status 70 and a message, as the access can
   * neither return nor throw. `false`: all registrations end, the access goes on with what memory has there, and {@link Userfault.failure} is set.
   * @param thread - `false`: whoever calls {@link Userfault.wait} reads the faults itself, and serves those of ranges with another source than
   * `javascript` on the way. That is faster for ranges that JavaScript serves, and nobody serves any unless it waits. `true` when left out.
   * @throws Error `EPERM`, `ENOSYS` where it is forbidden, `EINVAL` for features that this kernel lacks.
   */
  open(features: number, userModeOnly?: boolean, patienceMs?: number, exits?: boolean, thread?: boolean): Userfault;
  /** All features of this kernel, in the kernel's bits. @throws Error `{ errno, code, call }` */
  kernelFeatures(): number;
  /** The one that another thread shared. @throws Error `CLOSED` when it is closed everywhere. */
  adopt(token: number): Userfault;
}

/**
 * A userfaultfd with a thread that serves its faults. Ranges are `(mapping, offset, length)` in bytes, multiples of the page size. Calls that
 * bring pages wake who waits for them, leave pages alone that are there already, and return the bytes that they brought.
 */
export interface Userfault {
  /** Whether it was closed here. */
  readonly closed: boolean;
  /** What it was opened with. */
  readonly features: number;
  /** Whether it serves faults of user space only. */
  readonly userModeOnly: boolean;
  /** Why it gave up; see `exits` of {@link UserfaultClass.open}. */
  readonly failure: string | undefined;
  /** Counts since it was opened. */
  counters(): FaultCounters;
  /**
   * Registers a range for faults.
   *
   * @param mode - Sum of {@link UffdMode}s.
   * @throws RangeError when a part is registered already, or when the source of pages has faults itself; Error `{ errno, code, call }`.
   */
  register(mapping: Mapping, offset: number, length: number, mode: number, options?: RegisterOptions): void;
  /** Ends registrations; who waits there goes on with what memory has. */
  unregister(mapping: Mapping, offset: number, length: number): void;
  /** Brings copies of bytes. */
  copy(
    mapping: Mapping,
    offset: number,
    length: number,
    from: Mapping | ArrayBufferView,
    fromOffset?: number,
    clean?: boolean,
  ): number;
  /** Brings the pages of the file that is mapped there. */
  continue(mapping: Mapping, offset: number, length: number, clean?: boolean): number;
  /** Brings zeros. */
  zero(mapping: Mapping, offset: number, length: number, clean?: boolean): number;
  /** Brings pages of another mapping, which has holes there then. Needs `UffdFeature.move`, and private memory on both sides. */
  move(mapping: Mapping, offset: number, length: number, from: Mapping, fromOffset: number): number;
  /** Write-protects the pages that are there, or ends that. */
  protect(mapping: Mapping, offset: number, length: number, on?: boolean): void;
  /**
   * Takes pages out of the mapping (`MADV_DONTNEED`): once it has returned no access goes there, and the next one is given to JavaScript, also
   * where the handler thread serves the range. Whatever brings a page ends that for it. Private memory loses its bytes.
   */
  withhold(mapping: Mapping, offset: number, length: number): void;
  /**
   * The same for a list of pages, neighbours at once: elements `[from, from + count)` of `pages`, in any order, each the `unit` bytes that
   * begin `(page - first) * unit` after the start of the mapping. What was written before is still found by {@link takeWritten}.
   *
   * @throws RangeError when one is not within the mapping; nothing is done then.
   */
  withholdPages(mapping: Mapping, pages: Uint32Array, from: number, count: number, first: number, unit: number): void;
  /** Ends that: who waits for one of them gets it as the range's source has it, all others when somebody comes. */
  restorePages(mapping: Mapping, pages: Uint32Array, from: number, count: number, first: number, unit: number): void;
  /** Forgets that pages were written whose memory is about to go. */
  forgetPages(mapping: Mapping, pages: Uint32Array, from: number, count: number, first: number, unit: number): void;
  /**
   * Finds pages that were written since they were protected, and protects them again, in one step a run, however writes are tracked. Pages that
   * came unprotected (not `clean`) count as written. It knows more than `pagemapScan`: pages, too, that were written before they were withheld.
   *
   * @param out - As of `pagemapScan`, the third number of a run is 0.
   * @returns Runs.
   */
  takeWritten(mapping: Mapping, offset: number, length: number, out: Float64Array): number;
  /** Lets who waits for these pages try again. */
  wake(mapping: Mapping, offset: number, length: number): void;
  /**
   * Takes faults that JavaScript is to serve, in a worker. Blocks the thread until there is one, at most `timeoutMs` (0 to 60000).
   *
   * @param out - Four numbers a fault: the token of its range, the offset in the mapping, {@link FaultFlag}s, the thread.
   * @returns Faults taken; 0 when there were none, when it was closed elsewhere, or when the process ends.
   * @throws Error `DEVICE_TIMEOUT` after it gave up.
   */
  wait(out: Float64Array, timeoutMs: number): number;
  /**
   * Resolves to whether `wait(out, 0)` has faults to take, at once when it has, after at most `timeoutMs` (0 to 60000).
   *
   * @param keepsAlive - Whether the event loop goes on for its sake; it does when left out.
   */
  ready(timeoutMs: number, keepsAlive?: boolean): Promise<boolean>;
  /** A number by which another thread of this process can {@link UserfaultClass.adopt | adopt} it. */
  share(): number;
  /** Ends all registrations, for all threads; who waits for a page goes on with what memory has there. */
  close(): void;
}
