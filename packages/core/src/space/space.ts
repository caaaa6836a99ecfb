import { checkAddress, checkByteLength, checkPageSize } from '../address/index.js';
import { MirrorError } from '../driver/index.js';
import type { NotifierList } from '../notifier/index.js';
import { Tracer } from '../trace/index.js';
import { acquire } from './acquire.js';
import { checkTimeout } from './in-time.js';
import { adviseRange, dontNeed, willNeed } from './advise.js';
import { changeRanges } from './entries.js';
import type { Held, HoldMode, HoldOptions } from './held.js';
import type { HostMemory } from './host-memory.js';
import { hostStateOf } from './host-state.js';
import { managedMemory } from './managed-memory.js';
import { compactHost, type CompactResult } from './compact.js';
import type { HostMigrationOptions } from './host-migration.js';
import { mapRegion } from './map.js';
import { type MemoryUse, memoryUse, pageOutRange, reclaimerOf } from './reclaim/range.js';
import type { ReclaimOptions } from './reclaim/options.js';
import { mergePages, type MergeResult } from './merge.js';
import { devicesWith, pageFlags } from './page-flags.js';
import { protectRange } from './protect.js';
import { readBytes, writeBytes } from './read-write.js';
import type { Advice, MapOptions, Region, RegionAccess, RegionOwner } from './region.js';
import { relocateRange, type RelocateResult } from './relocate.js';
import type { RemapPagesOptions } from './remap-options.js';
import { remapPages } from './remap-pages.js';
import { remapRange, type RemapOptions } from './remap.js';
import { SpaceState } from './state.js';
import { type RangeOptions } from './range-options.js';
import { syncRange } from './sync.js';
import type { ByteSource } from './source.js';
import { truncateSource } from './truncate.js';
import { unmapAll, unmapRange } from './unmap.js';
import { collectWritten, type WrittenRange } from './written.js';
import { releaseObjects, retryUnsaved } from './release.js';

/** How a space is made. */
export interface SpaceOptions {
  /** Bytes a page: a power of two from 4096 to 2 MiB. Default 4096, or that of `host`. */
  readonly pageSize?: number;
  /** Where pages live. Spaces on one host memory can share pages. Default: managed memory of its own. */
  readonly host?: HostMemory;
  /** Bits of an address, 32 to 47: every address given out is below `2 ** addressBits`. Default 47. */
  readonly addressBits?: number;
  /** Receives what happens. Default: a tracer of its own. */
  readonly trace?: Tracer;
  /**
   * Milliseconds without progress after which a wait of the CPU ends with `DEVICE_TIMEOUT`: for a range it wants to hold, unless
   * the call says otherwise, and for sources that `sync`, `unmap` and `close` write back to. > 0. Default 30,000.
   */
  readonly timeoutMs?: number;
  /** Keeps host memory small: cold pages go to files or a swap store and come back when they are touched. Default: pages stay. */
  readonly reclaim?: ReclaimOptions;
}

let nextId = 1;

/** Checks options and makes a space's state. @throws TypeError, RangeError */
export function createSpaceState(options: SpaceOptions): SpaceState {
  const { addressBits = 47, trace = new Tracer(), timeoutMs = 30_000 } = options;
  const host = options.host ?? managedMemory({ pageSize: checkPageSize(options.pageSize ?? 4096) });
  if (options.pageSize !== undefined && options.pageSize !== host.pageSize) {
    throw new RangeError(`pageSize ${options.pageSize} differs from the host memory's ${host.pageSize}`);
  }
  if (typeof addressBits !== 'number') throw new TypeError(`addressBits must be a number, got ${typeof addressBits}`);
  if (!(trace instanceof Tracer)) throw new TypeError('trace must be a Tracer');
  if (!Number.isInteger(addressBits) || addressBits < 32 || addressBits > 47) {
    throw new RangeError(`addressBits must lie in 32 to 47, got ${String(addressBits)}`);
  }
  checkTimeout(timeoutMs);
  const state = hostStateOf(host);
  if (options.reclaim !== undefined) state.reclaim(options.reclaim, timeoutMs);
  return new SpaceState(nextId++, state, addressBits, trace, timeoutMs);
}

/** A space of up to 2^47 bytes of addresses, as the CPU uses it. Devices come with `AddressSpace`. */
export class Space implements RegionOwner {
  /** Machinery shared with the mirror layer. @internal */
  readonly state: SpaceState;
  private closing: Promise<void> | undefined;

  /** Made by `createSpace`. @internal */
  constructor(state: SpaceState) {
    this.state = state;
  }

  /** Number of the space, unique in the process. */
  get id(): number {
    return this.state.id;
  }

  /** Bytes a page. */
  get pageSize(): number {
    return this.state.pageSize;
  }

  /** Whether it was closed. */
  get closed(): boolean {
    return this.state.closed;
  }

  /** Receives what happens. */
  get trace(): Tracer {
    return this.state.trace;
  }

  /** Interval notifiers: who is told before page-table entries change. */
  get notifiers(): NotifierList {
    return this.state.notifiers;
  }

  /** Bytes of metadata: page tables, page records and regions; shared records are counted in every space on the host memory. */
  get metadataBytes(): number {
    return this.state.store.bytes + this.state.regions.bytes + this.state.notifiers.bytes;
  }

  /**
   * Maps a region. Synchronous; costs nothing for contents that are never touched.
   * @throws TypeError, RangeError for malformed options; MirrorError `OUT_OF_ADDRESS_SPACE`, `INVALID_ARGUMENT`, `CLOSED`
   */
  map(options: MapOptions): Region {
    return mapRegion(this.state, this, options);
  }

  /** The region that holds an address, or `undefined`. @throws TypeError, RangeError */
  regionAt(address: number): Region | undefined {
    return this.state.regions.at(checkAddress(address));
  }

  /** All regions by address; a snapshot. */
  regions(): Region[] {
    return this.state.regions.overlapping(0, this.state.limit);
  }

  /**
   * Unmaps the pages that hold `[start, start + bytes)`; holes are no error. Synchronous for the CPU; resolves when no device
   * can reach them any more and, for the last shared region over a source, what was written is in it.
   */
  async unmap(start: number, bytes: number): Promise<void> {
    this.state.checkOpen();
    const range = this.state.pageRange(start, bytes);
    await unmapRange(this.state, this, range.start, range.end);
  }

  /** Changes what may be done with the pages that hold a range; resolves when devices obey. @throws MirrorError `ADDRESS_NOT_MAPPED`; nothing is changed then */
  async protect(start: number, bytes: number, access: RegionAccess): Promise<void> {
    this.state.checkOpen();
    const range = this.state.pageRange(start, bytes);
    await protectRange(this.state, this, range.start, range.end, access);
  }

  /** Grows, shrinks or moves a mapping; see {@link RemapOptions}. Returns its region, which keeps its handle. */
  async remap(start: number, bytes: number, options: RemapOptions): Promise<Region> {
    this.state.checkOpen();
    if (typeof options !== 'object' || options === null) throw new TypeError('remap takes { bytes?, address? }');
    const range = this.state.pageRange(start, bytes);
    return remapRange(this.state, this, range.start, range.end, options);
  }

  /** Attaches advice to the pages that hold a range; resolves when a pin is in force. @throws MirrorError `ADDRESS_NOT_MAPPED`; for a pin `ACCESS_DENIED` where a region allows no reading, `OUT_OF_DEVICE_MEMORY` */
  async advise(start: number, bytes: number, advice: Advice): Promise<void> {
    this.state.checkOpen();
    const range = this.state.pageRange(start, bytes);
    await adviseRange(this.state, this, range.start, range.end, advice);
  }

  /** Brings a range to a mirror's device ahead of faults, best effort. */
  async willNeed(start: number, bytes: number, mirror: object): Promise<void> {
    this.state.checkOpen();
    const range = this.state.pageRange(start, bytes);
    await willNeed(this.state, range.start, range.end, mirror);
  }

  /** Discards the contents of the pages that hold a range: anonymous private memory becomes zeros, files are read again, shared contents stay. */
  async dontNeed(start: number, bytes: number): Promise<void> {
    this.state.checkOpen();
    const range = this.state.pageRange(start, bytes);
    await dontNeed(this.state, range.start, range.end);
  }

  /**
   * Holds a byte range for the CPU: devices that own it give it back, and while it is held for writing they wait.
   * Release the result, best with `using`. @throws MirrorError `ADDRESS_NOT_MAPPED`, `ACCESS_DENIED`, `DEVICE_LOST`, `DEVICE_TIMEOUT`, `OUT_OF_HOST_MEMORY`, `ABORTED`
   */
  acquire(start: number, bytes: number, mode: HoldMode, options?: HoldOptions): Promise<Held> {
    return acquire(this.state, start, bytes, mode, options);
  }

  /** Reads `bytes` bytes at `address`; errors as {@link acquire}. */
  read(address: number, bytes: number, options: HoldOptions = {}): Promise<Uint8Array> {
    return readBytes(this.state, address, bytes, options);
  }

  /** Writes bytes at `address`; errors as {@link acquire}. */
  write(address: number, bytes: Uint8Array, options: HoldOptions = {}): Promise<void> {
    return writeBytes(this.state, address, bytes, options);
  }

  /**
   * Which pages of a range the CPU wrote since this was last asked, as merged byte ranges; and forgets that they were. Writes
   * count when their hold ends; a page that is copied on write counts as a new one.
   * @throws TypeError, RangeError; MirrorError `CLOSED`
   */
  written(start: number, bytes: number): WrittenRange[] {
    this.state.checkOpen();
    const range = this.state.pageRange(start, bytes);
    return changeRanges(this.state.notifiers, 'soft-dirty', [range], () =>
      collectWritten(this.state, range.start, range.end),
    );
  }

  /**
   * Writes what changed in shared file regions of a range back to their sources, and has these flush it. Resolves to the number of pages written.
   * @throws TypeError, RangeError; MirrorError `ADDRESS_NOT_MAPPED`, `IO`, `DEVICE_TIMEOUT`, `ABORTED`, `CLOSED`; `DEVICE_LOST`, once all others
   * are written, for pages that existed only on a device that was lost
   */
  async sync(start: number, bytes: number, options: RangeOptions = {}): Promise<number> {
    this.state.checkOpen();
    const range = this.state.pageRange(start, bytes);
    return syncRange(this.state, range.start, range.end, options);
  }

  /**
   * Takes up to `bytes` bytes of pages out of host memory, the coldest first, whatever the budget; resolves to the bytes freed.
   * Pages leave for files or the swap store and come back when they are touched; those in use by devices leave the devices first.
   * @throws TypeError, RangeError; MirrorError `UNSUPPORTED` without `reclaim` options, `IO`, `DEVICE_TIMEOUT`, `CLOSED`
   */
  async reclaim(bytes: number): Promise<number> {
    const { host, pageSize } = this.open();
    const count = Math.ceil(checkByteLength(bytes) / pageSize);
    return (await reclaimerOf(host).free(() => count, true)) * pageSize;
  }

  /**
   * Takes the pages that hold a range out of host memory, as far as nobody holds them and no device uses them; resolves to the
   * bytes freed. The kernel's `MADV_PAGEOUT`.
   * @throws TypeError, RangeError; MirrorError `ADDRESS_NOT_MAPPED`, `UNSUPPORTED` without `reclaim` options, `IO`, `DEVICE_TIMEOUT`, `CLOSED`
   */
  async pageOut(start: number, bytes: number): Promise<number> {
    const state = this.open();
    const range = state.pageRange(start, bytes);
    state.checkMapped(range.start, range.end);
    return pageOutRange(state, reclaimerOf(state.host), range.start, range.end);
  }

  /**
   * What is known of the pages that hold a range: `FLAG_*` bits a page, 0 for one that nobody has touched. Synchronous; the kernel's
   * `/proc/kpageflags`. @throws TypeError, RangeError; MirrorError `CLOSED`
   */
  pageFlags(start: number, bytes: number): Uint16Array {
    const state = this.open();
    const range = state.pageRange(start, bytes);
    return pageFlags(state, range.start, range.end);
  }

  /** Names of the devices, of any space on the host memory, that hold the page at an address. @throws TypeError, RangeError; MirrorError `CLOSED` */
  devicesWith(address: number): string[] {
    const state = this.open();
    return devicesWith(state, state.pageOf(checkAddress(address)));
  }

  /** What the host memory of the space is used for, other spaces on it included. */
  get memory(): MemoryUse {
    return memoryUse(this.state);
  }

  /**
   * Moves pages of the space's host memory, whichever spaces they belong to, out of sparsely used storage and gives that back to the
   * engine. Best effort, in slices: what is held, locked or kept by the policy stays. Needs no room beside the storage there is; memory
   * that has none to give back is left alone.
   * @throws TypeError; MirrorError `ABORTED`, `CLOSED`, `DEVICE_TIMEOUT` when another migration of host pages does not end; what was moved stays
   */
  async compact(options: HostMigrationOptions = {}): Promise<CompactResult> {
    this.state.checkOpen();
    return compactHost(this.state, options);
  }

  /**
   * Moves the pages that hold a range to places side by side on the host, so that holding it is a view and not a copy. At most 1 GiB;
   * best effort, as {@link compact}.
   * @throws TypeError, RangeError; MirrorError `ADDRESS_NOT_MAPPED`, `INVALID_ARGUMENT` beyond 1 GiB, `OUT_OF_HOST_MEMORY` without room
   *   for the range beside what is in use (nothing is changed then), `ABORTED`, `CLOSED`, `DEVICE_TIMEOUT` as {@link compact}
   */
  async relocate(start: number, bytes: number, options: HostMigrationOptions = {}): Promise<RelocateResult> {
    this.state.checkOpen();
    const range = this.state.pageRange(start, bytes);
    return relocateRange(this.state, range.start, range.end, options);
  }

  /**
   * Merges identical pages of private memory in regions with the advice `mergeable`: one pass over all spaces on the host memory
   * of this one. Entries of equal pages then map one of them, and the next write through any of them gets a copy of its own, which
   * may fail with `OUT_OF_HOST_MEMORY` as a first touch may. Pages in use by a device or the CPU are left as they are: a later
   * pass finds them. It gives way to the event loop about once a mebibyte; progress counts pages of the mergeable ranges.
   * Source: the kernel's KSM. @throws MirrorError `ABORTED`, `CLOSED`; what was merged stays
   */
  async merge(options: RangeOptions = {}): Promise<MergeResult> {
    this.state.checkOpen();
    return mergePages(this.state, options);
  }

  /**
   * Makes a source shorter, in every space on the host memory of this one: what regions show of it behind the new end is gone, private
   * copies included, and accesses there fail with `IO` until the source is longer again; the rest of its last page becomes zeros, but
   * for private copies of that page, and for what is written there later. Or makes it longer: what is new is zeros.
   * Calls `source.truncate` where there is one; a source without must have been shortened before. Resolves when devices obey.
   * @throws TypeError, RangeError; MirrorError `INVALID_ARGUMENT`, `IO` with the source's error as cause, `CLOSED` (nothing is changed
   *   then), `DEVICE_TIMEOUT` when the source does not answer (nothing is changed then) or a page of its end is copied all that time,
   *   `DEVICE_LOST`, or what a notifier throws; in the last three cases all is done that can be
   */
  async truncate(source: ByteSource, size: number): Promise<void> {
    await truncateSource(this.open(), source, size);
  }

  /** Resolves when every invalidation so far is true on every device. */
  async flush(): Promise<void> {
    this.state.checkOpen();
    await this.state.flush();
  }

  /**
   * Unmaps everything, detaches all mirrors and ends the space; what shared file regions hold reaches their sources.
   * Concurrent calls share one closing. Afterwards every operation fails with `CLOSED`. What a notifier throws does not keep the
   * space from being closed; this rejects with it then.
   */
  close(): Promise<void> {
    return (this.closing ??= this.end());
  }

  /** As {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** For `Region.remapPages`. @internal */
  rearrange(region: Region, options: RemapPagesOptions): Promise<void> {
    return remapPages(this.open(), this, region, options);
  }

  /** @throws MirrorError `CLOSED` */
  private open(): SpaceState {
    this.state.checkOpen();
    return this.state;
  }

  private async end(): Promise<void> {
    const { state } = this;
    state.closed = true;
    const failures: unknown[] = [];
    const objects = unmapAll(state, this, failures);
    const attempt = (work: Promise<unknown>) => work.catch((error: unknown) => failures.push(error));
    await attempt(releaseObjects(state, objects));
    await attempt(retryUnsaved(state));
    for (const mirror of Array.from(state.mirrors)) await attempt(mirror.detach());
    state.store.spaces.close(state.base);
    state.host.spaces.delete(state.base);
    const error = failures.find((failure) => !(failure instanceof MirrorError && failure.code === 'DEVICE_LOST'));
    if (error !== undefined) throw error as Error;
  }
}
