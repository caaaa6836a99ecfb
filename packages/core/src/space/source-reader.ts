import { throwIfAborted } from './abort.js';
import { MirrorError } from '../driver/index.js';
import { inTime } from './in-time.js';
import { fillPages, makePages, readAway } from './page-run.js';
import { PAGE_LOCKED, PAGE_ZERO } from './page-state.js';
import type { PageStore } from './page-store.js';
import { type ByteSource, nameOf, reasonOf, type SourceLimits } from './source.js';
import { TRANSFER_BYTES } from './transfer-buffers.js';

/** Most reads of a source that one call has under way. */
const READS_AT_ONCE = 4;

/** Asked about each page that was read, with its index: `true` takes over its lock. */
export type KeepPage = (index: number, page: number) => boolean;

/** Most pages of one read. */
export function readPages({ host, pressure }: PageStore): number {
  return Math.max(1, Math.min(TRANSFER_BYTES / host.pageSize, pressure?.portion ?? Infinity));
}

/** What pages are read into: a memory object. */
export interface ReadTarget {
  readonly source: ByteSource | undefined;
  /** Bytes it has. */
  readonly size: number;
  /** Whether any region maps it. */
  readonly isMapped: boolean;
  /** Whether the page at an index lies before the end. */
  reaches(index: number): boolean;
  /** The cached page at an index; negative for none. */
  lookup(index: number): number;
  /** Puts a new page at an index. */
  insert(index: number, page: number): void;
  /** Takes the page at an index out of the cache. */
  evict(index: number): void;
}

/** Reads pages of a source into host memory. */
export class SourceReader {
  private readonly store: PageStore;
  private readonly target: ReadTarget;
  /** Reads under way, whoever began them. */
  private readonly reads = new Set<Promise<void>>();

  constructor(store: PageStore, target: ReadTarget) {
    this.store = store;
    this.target = target;
  }

  /**
   * Reads the pages of `[index, index + count)` that are not cached from the source, neighbours in one read, several reads at a time. The
   * pages are locked while they are read; pages that others read at the time are not waited for. A source that does not answer in time,
   * or ignores the signal, reads on in the background, and its pages stay locked until it ends. What no region maps any more is not
   * read: nobody would drop it. With a budget, what does not fit waits until it does, or until nothing more can leave and no page of the
   * source is being read: however many wait, they go beyond the budget by one read.
   * @param keep takes over the lock of a page that was read, if it returns `true`
   * @throws MirrorError `IO` with the source's error as cause; the pages are not cached then; `DEVICE_TIMEOUT`, `ABORTED`, `OUT_OF_HOST_MEMORY`
   */
  async populate(index: number, count: number, limits: SourceLimits, keep: KeepPage = () => false): Promise<void> {
    const { store, target, reads } = this;
    const { pressure } = store;
    const underWay = new Set<Promise<void>>();
    const failures: unknown[] = [];
    const end = index + count;
    for (let at = index; at < end && failures.length === 0 && target.reaches(at);) {
      const run = this.missing(at, end);
      if (run > 0 && pressure !== undefined && !pressure.fits(run)) {
        const fits = await pressure.makeRoom(run);
        // What others took is asked for again; what is being read can leave once it is there.
        if (fits && !pressure.fits(run)) continue;
        if (!fits && reads.size > 0 && (await inTime(Promise.race(reads), limits.timeoutMs, limits.signal))) continue;
      }
      if (!target.isMapped) break;
      const left = Math.min(run, this.missing(at, end));
      if (left > 0) {
        const read: Promise<void> = this.readInTime(at, left, limits, keep)
          .catch((error: unknown) => void failures.push(error))
          .finally(() => {
            underWay.delete(read);
            reads.delete(read);
          });
        underWay.add(read);
        reads.add(read);
        if (underWay.size === READS_AT_ONCE) await Promise.race(underWay);
      }
      at += Math.max(left, 1);
    }
    await Promise.all(underWay);
    if (failures.length > 0) throw failures[0] as Error;
  }

  /** How many pages from an index on are not cached, as far as one read goes. */
  private missing(index: number, end: number): number {
    const { target } = this;
    const most = Math.min(end, index + readPages(this.store));
    let at = index;
    while (at < most && target.reaches(at) && target.lookup(at) < 0) at++;
    return at - index;
  }

  private async readInTime(index: number, count: number, limits: SourceLimits, keep: KeepPage): Promise<void> {
    const { timeoutMs, signal } = limits;
    if (await inTime(this.readRun(index, count, keep, signal), timeoutMs, signal)) return;
    throw new MirrorError(
      'DEVICE_TIMEOUT',
      `waited ${timeoutMs} ms for ${nameOf(this.target.source)} to read ${count} pages at byte ${index * this.store.host.pageSize}; its pages stay locked until it answers`,
    );
  }

  /** Synchronous until the pages are in the cache, locked. */
  private async readRun(index: number, count: number, keep: KeepPage, signal?: AbortSignal): Promise<void> {
    const { store, target } = this;
    const { source } = target;
    const { pageSize } = store.host;
    const own = store.host.sources?.map(source!, index, count);
    const pages = own === undefined ? makePages(store, count) : store.adopt(own);
    pages.forEach((page, i) => {
      store.unmark(page, PAGE_ZERO);
      store.mark(page, PAGE_LOCKED);
      target.insert(index + i, page);
    });
    const offset = index * pageSize;
    try {
      const fill = async (bytes: Uint8Array) => {
        const length = Math.max(0, Math.min(bytes.length, target.size - offset));
        if (length > 0) await source!.read(offset, bytes.subarray(0, length), signal);
        bytes.fill(0, length);
      };
      await (own === undefined ? fillPages(store, pages, fill) : readAway(store, count, fill));
    } catch (cause) {
      pages.forEach((page, i) => {
        // The cache may have been dropped meanwhile, and filled anew.
        if (target.lookup(index + i) === page) target.evict(index + i);
        store.unlock(page);
      });
      store.announce();
      throwIfAborted(signal);
      const what = `reading ${count} pages at byte ${offset} of ${nameOf(source)} failed`;
      throw new MirrorError('IO', `${what}: ${reasonOf(cause)}`, { cause });
    }
    pages.forEach((page, i) => {
      if (target.lookup(index + i) !== page || !keep(index + i, page)) store.unlock(page);
    });
    store.announce();
  }
}
