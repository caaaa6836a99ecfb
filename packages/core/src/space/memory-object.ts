import { IdList, PAGE_NUMBER_LIMIT, PageTable } from '../address/index.js';
import { throwIfAborted } from './abort.js';
import type { LiveRange } from './live-memory.js';
import { MirrorError } from '../driver/index.js';
import type { PageCache } from './cache-homes.js';
import { DeviceUses } from './device-uses.js';
import { inTime } from './in-time.js';
import { PAGE_DIRTY, PAGE_HELD, PAGE_IN_SOURCE, PAGE_LOST, PAGE_OWNED, PAGE_ZERO } from './page-state.js';
import type { PageStore } from './page-store.js';
import { recallWhenFree } from './recall.js';
import { slotOf } from './reclaim/swap-table.js';
import { type ByteSource, nameOf, reasonOf, type SourceLimits } from './source.js';
import { type KeepPage, type ReadTarget, SourceReader } from './source-reader.js';
import { TRANSFER_BYTES } from './transfer-buffers.js';
import { Writes } from './writes.js';

/**
 * What shared and file regions map: a page cache over a byte source, or shared anonymous memory where there is none.
 * Page `i` holds the bytes from `i * pageSize`. The kernel's `address_space` of an inode.
 */
export class MemoryObject implements PageCache, ReadTarget {
  readonly source: ByteSource | undefined;
  /** What plain loads and stores reach its pages by; its page `i` is at place `live.first + i` then. */
  readonly live: LiveRange | undefined;
  /** Accesses to its pages by devices that core does not stop. */
  readonly uses = new DeviceUses();
  private readonly store: PageStore;
  private readonly table = new PageTable();
  private readonly writes: Writes;
  private readonly reader: SourceReader;
  /** Where it will end, while it is being truncated. */
  private newEnd = Infinity;
  /** Resolves when the truncation under way, if any, has ended. */
  private truncation: Promise<void> | undefined;
  private endTruncating: (() => void) | undefined;
  /** Its number among those that cache pages; of use while it caches any. */
  private id = -1;
  /** Regions over it. */
  private references = 0;
  /** Whether its live range was given up. */
  private ended = false;
  /** Holds of the CPU for writing, which may outlive the regions. */
  private holds = 0;

  constructor(store: PageStore, source: ByteSource | undefined, live?: LiveRange) {
    this.store = store;
    this.source = source;
    this.live = live;
    this.writes = new Writes(nameOf(source));
    this.reader = new SourceReader(store, this);
  }

  /** Metadata in bytes. */
  get bytes(): number {
    return this.table.bytes;
  }

  /** Counts one more region. */
  retain(): void {
    this.references++;
  }

  /** Counts one region less; after the last one, `settle`s. */
  async release(limits: SourceLimits): Promise<void> {
    this.references--;
    await this.settle(limits);
  }

  /** Counts one hold for writing more: the cache stays until it ends. */
  hold(): void {
    this.holds++;
  }

  /** Counts one hold less. Returns whether that was the last thing that referred to the object: `settle` it then. */
  unhold(): boolean {
    return --this.holds === 0 && this.references === 0;
  }

  /**
   * If no region maps the object, writes back what is dirty, and drops the cache if nobody holds it either.
   * @throws MirrorError `IO`, `DEVICE_TIMEOUT`; then the pages stay
   */
  async settle(limits: SourceLimits): Promise<void> {
    // Meanwhile others may have mapped it, written, and unmapped it, and wait for their turn to write that back.
    do {
      if (this.references > 0) return;
      await this.writeBack(0, Infinity, limits);
      await this.writes.allFrom(0, limits);
    } while (this.isDirty || this.writes.any);
    if (this.references + this.holds > 0) return;
    // Before its pages go, so that they go together.
    if (this.live !== undefined && !this.ended) this.store.live!.end(this.live);
    this.ended = true;
    this.cutCache(0);
    if (this.live !== undefined) this.store.live!.giveBack();
  }

  /** Whether it has pages that the source has to get. */
  private get isDirty(): boolean {
    if (this.source?.write === undefined) return false;
    return this.cached(0, Infinity).some((at) => {
      const page = this.lookup(at);
      return page >= 0 && this.store.any(page, PAGE_DIRTY) && !this.store.any(page, PAGE_LOST);
    });
  }

  /** Whether its pages are those of a byte source. */
  get inFile(): boolean {
    return this.source !== undefined;
  }

  /** Whether any region maps it. */
  get isMapped(): boolean {
    return this.references > 0;
  }

  /** Bytes it has: `Infinity` where nothing limits them. */
  get size(): number {
    if (this.live !== undefined) return this.live.count * this.store.host.pageSize;
    return this.source === undefined ? Infinity : Math.min(this.source.size, this.newEnd);
  }

  /** Whether the page at an index lies before the end. */
  reaches(index: number): boolean {
    return index * this.store.host.pageSize < this.size;
  }

  /**
   * Takes note, once no other truncation is under way, that it will end at `size`. Until that is done, nothing is read behind the old
   * end or the new one, whichever comes first, and its pages from there on are not written back: they may not be wanted any more, or
   * show what was stored behind the old end. Resolves when writes that began before have ended.
   * @throws MirrorError `DEVICE_TIMEOUT`; then it is not to be truncated
   */
  async beginTruncation(size: number, limits: SourceLimits): Promise<void> {
    while (this.truncation !== undefined) await this.truncated(limits);
    const { pageSize } = this.store.host;
    this.truncation = new Promise((resolve) => (this.endTruncating = resolve));
    this.newEnd = Math.min(size, this.size);
    try {
      await this.writes.allFrom(Math.floor(this.newEnd / pageSize) * pageSize, limits);
    } catch (error) {
      this.endTruncation();
      throw error;
    }
  }

  /** From now on the source knows where it ends, and its last page shows nothing behind that. */
  endTruncation(): void {
    this.newEnd = Infinity;
    this.truncation = undefined;
    this.endTruncating?.();
  }

  /** Waits for the truncation under way. @throws MirrorError `DEVICE_TIMEOUT`, `ABORTED` */
  private async truncated({ timeoutMs, signal }: SourceLimits): Promise<void> {
    if (this.truncation === undefined || (await inTime(this.truncation, timeoutMs, signal))) return;
    throw new MirrorError(
      'DEVICE_TIMEOUT',
      `waited ${timeoutMs} ms for ${nameOf(this.source)} to be truncated; try again`,
    );
  }

  /** Drops the pages from an index on, whatever they hold; who holds one sees it as it was. @throws MirrorError `OUT_OF_HOST_MEMORY`; none is dropped then */
  cutCache(index: number): void {
    const { store } = this;
    // Together: one by one they could be more than a process may have mappings.
    if (store.host.sources !== undefined)
      store.part(this.pagesFrom(index).filter((page) => store.any(page, PAGE_HELD)));
    for (const at of this.cached(index, Infinity)) this.evict(at);
  }

  hasTail(index: number): boolean {
    const { source } = this;
    return source?.write !== undefined && (index + 1) * this.store.host.pageSize > this.size;
  }

  /** The cached page at an index; -1 for nothing; below that a page in the swap store, see `slotOf`. */
  lookup(index: number): number {
    return (this.table.get(index) | 0) - 1;
  }

  /** Makes a cached page of zeros for shared anonymous memory. */
  create(index: number): number {
    const page = this.live === undefined ? this.store.create() : this.store.createLive(this.live, index);
    this.insert(index, page);
    return page;
  }

  /** As {@link SourceReader.populate}. */
  populate(index: number, count: number, limits: SourceLimits, keep?: KeepPage): Promise<void> {
    return this.reader.populate(index, count, limits, keep);
  }

  /**
   * Writes dirty pages of `[index, index + count)` back to the source, those that devices own too, and waits for writes of them
   * that others began. Resolves to pages written.
   * @throws MirrorError `IO`, `DEVICE_TIMEOUT`, `ABORTED`
   */
  async writeBack(index: number, count: number, limits: SourceLimits): Promise<number> {
    const { store, source } = this;
    if (source?.write === undefined) return 0;
    const end = index + count;
    const owned = () =>
      this.cached(index, end)
        .map((at) => this.lookup(at))
        .filter((page) => page >= 0 && store.any(page, PAGE_OWNED));
    await recallWhenFree(store, () => Uint32Array.from(owned()), 'clean');
    let written = 0;
    const listed = this.cached(index, end);
    for (let i = 0; i < listed.length;) {
      const offset = listed[i]! * store.host.pageSize;
      await this.writes.others(offset, limits);
      while (offset + store.host.pageSize > this.newEnd) await this.truncated(limits);
      const run = this.dirtyRun(listed, i);
      if (run > 0) await this.writeRun(listed[i]!, run, limits);
      written += run;
      i += Math.max(1, run);
    }
    return written;
  }

  /** How many neighbours, from an entry of a list of indexes on, are to be written back, as far as one write goes. */
  private dirtyRun(listed: readonly number[], from: number): number {
    const { store } = this;
    const { pageSize } = store.host;
    const first = listed[from]!;
    const inSource = store.any(Math.max(0, this.lookup(first)), PAGE_IN_SOURCE);
    const most = Math.max(1, TRANSFER_BYTES / pageSize);
    let run = 0;
    for (; run < most && listed[from + run] === first + run; run++) {
      const offset = (first + run) * pageSize;
      const page = this.lookup(first + run);
      // Of what was lost with a device the host has older bytes: they are not the file's.
      if (page < 0 || store.any(page, PAGE_LOST) || !store.any(page, PAGE_DIRTY)) break;
      if (store.any(page, PAGE_IN_SOURCE) !== inSource) break;
      if (run > 0 && (this.writes.isUnderWay(offset) || offset + pageSize > this.newEnd)) break;
    }
    return run;
  }

  private async writeRun(index: number, count: number, limits: SourceLimits): Promise<void> {
    const { store, source } = this;
    const { pageSize } = store.host;
    const offset = index * pageSize;
    if (store.any(this.lookup(index), PAGE_IN_SOURCE)) {
      for (let i = 0; i < count; i++) this.cleanInSource(this.lookup(index + i));
      return;
    }
    const length = Math.min(count * pageSize, this.size - offset);
    const bytes = new Uint8Array(Math.max(0, length));
    const offsets: number[] = [];
    for (let i = 0; i < count; i++) {
      const page = this.lookup(index + i);
      store.unmark(page, PAGE_DIRTY);
      offsets.push(offset + i * pageSize);
      if (length > i * pageSize) bytes.set(this.bytesOf(page).subarray(0, length - i * pageSize), i * pageSize);
    }
    const failed = () => {
      for (let i = 0; i < count; i++) this.markDirty(index + i);
    };
    if (length > 0) await this.writes.begin(offsets, () => source!.write!(offset, bytes), failed, limits);
  }

  /**
   * Waits until what was written to the source outlives a crash.
   * @throws MirrorError `IO` with the source's error as cause, `DEVICE_TIMEOUT`, `ABORTED`
   */
  async flush({ timeoutMs, signal }: SourceLimits): Promise<void> {
    const { source } = this;
    if (source?.flush === undefined) return;
    try {
      if (await inTime((async () => source.flush!())(), timeoutMs, signal)) return;
    } catch (cause) {
      throwIfAborted(signal);
      const what = `flushing ${nameOf(source)} failed, and what was written may not outlive a crash`;
      throw new MirrorError('IO', `${what}: ${reasonOf(cause)}; write it again and sync`, { cause });
    }
    throw new MirrorError('DEVICE_TIMEOUT', `waited ${timeoutMs} ms for ${nameOf(source)} to flush; sync again`);
  }

  /** Indexes of the cached pages of `[index, end)`, ascending; a snapshot. */
  cached(index: number, end: number): number[] {
    const slots = new IdList();
    this.table.collect(index, Math.min(end, PAGE_NUMBER_LIMIT), slots);
    return Array.from(slots.items.subarray(0, slots.length), (slot) => this.table.pageOfSlot(slot));
  }

  private bytesOf(page: number): Uint8Array {
    const { host } = this.store;
    if (this.store.any(page, PAGE_ZERO)) return new Uint8Array(host.pageSize);
    const offset = host.offsetOf(page);
    return host.bufferOf(page).subarray(offset, offset + host.pageSize);
  }

  /** What is in a page's frame is in the source; but of zeros the frame need not know. */
  private cleanInSource(page: number): void {
    if (this.store.any(page, PAGE_ZERO)) this.store.clear(page);
    this.store.unmark(page, PAGE_DIRTY);
  }

  /** Parts its pages from an index on from the source: it is about to end before them. */
  part(index: number): void {
    if (this.store.host.sources !== undefined) this.store.part(this.pagesFrom(index));
  }

  private pagesFrom(index: number): number[] {
    return this.cached(index, Infinity)
      .map((at) => this.lookup(at))
      .filter((page) => page >= 0);
  }

  /** Marks the page at an index, which may be another one by now, or have another number. */
  private markDirty(index: number): void {
    const page = this.lookup(index);
    if (page >= 0) this.store.mark(page, PAGE_DIRTY);
  }

  /** Puts another page, already cached, at an index. */
  replace(index: number, page: number): void {
    this.store.cache(page, this.id, index);
    this.table.set(index, page + 1);
  }

  /** Takes the page at an index out of the cache. */
  evict(index: number): void {
    const { store, table, id } = this;
    const found = this.lookup(index);
    table.delete(index);
    if (found >= 0) store.uncache(found);
    else store.swap!.unrefer(slotOf(found), store.homes.reference(id, index));
    if (table.size === 0) store.homes.close(id);
  }

  swapOut(index: number, entry: number): void {
    const page = this.lookup(index);
    this.table.set(index, entry);
    this.store.uncache(page);
  }

  insert(index: number, page: number): void {
    if (this.table.size === 0) this.id = this.store.homes.open(this);
    this.replace(index, page);
  }
}
