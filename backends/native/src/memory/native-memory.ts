import { type HostMemory, type LiveMemory, MAX_PAGE_SIZE, MIN_PAGE_SIZE, MirrorError } from '@mirrorspace/core';
import type { Addon } from '../addon/addon.js';
import { addon as loadAddon } from '../addon/load.js';
import type { Userfault } from '../addon/userfault.js';
import { CompareTier } from '../tracking/compare.js';
import { NativeTracker } from '../tracking/native-tracker.js';
import { ProtectionTier } from '../tracking/protection.js';
import type { Tier } from '../tracking/tier.js';
import { choose, type Choice, type FaultHandlerKind, type Tracking } from './choice.js';
import { FileFrames } from './file-frames.js';
import { FrameFile } from './frame-file.js';
import { FrameNumbers } from './frame-numbers.js';
import { FramePool } from './frame-pool.js';
import { FIRST_PLACE, LiveNumbers, PLACES_END } from './live-numbers.js';
import { LiveRanges } from './live-ranges.js';
import { NativeLive } from './native-live.js';

/** How native memory is made. */
export interface NativeMemoryOptions {
  /** Bytes a page; a power of two from 4096 to 2 MiB, at least the system's page. Default 4096. */
  readonly pageSize?: number;
  /** Most bytes of pages in use. Default: no limit but the system's. */
  readonly limit?: number;
  /**
   * How to find out which pages plain stores wrote. `auto`, the default, takes the first that works: `wp-async` (the kernel notes it), `wp-sync` (the
   * first store to each page waits for the handler thread), `compare` (hashes).
   */
  readonly tracking?: Tracking;
  /**
   * How long a plain access may wait for a withheld page, in milliseconds from 1 to 600,000. Default 30,000. Beyond that the process ends with the
   * status 70 and a message: the access can neither return nor throw.
   */
  readonly patienceMs?: number;
  /**
   * Who reads the faults of live ranges. `thread`, the default: a thread of the addon. `worker`: a JavaScript worker, which starts with the first range; it costs about a
   * microsecond more a fault.
   */
  readonly faultHandler?: FaultHandlerKind;
}

/** Host memory that plain loads and stores of the process reach. */
export interface NativeMemory extends HostMemory {
  readonly kind: 'native';
  readonly live: LiveMemory;
  /** Whether plain accesses can be stopped (`live.withhold`); if not, why, and what to do. */
  readonly withholds: { readonly works: boolean; readonly reason?: string };
}

/**
 * Host memory in a file in memory, which the kernel tracks and faults. What works here is found out by doing.
 *
 * Where userfaultfd is not permitted, live ranges are there and tracked by comparing, but `live.withhold` throws `UNSUPPORTED`.
 * @throws TypeError, RangeError for bad options; MirrorError `UNSUPPORTED` with the reason and the remedy where the addon does not load or
 * `tracking` asks for what does not work here
 */
export function nativeMemory(options: NativeMemoryOptions = {}): NativeMemory {
  if (typeof options !== 'object' || options === null) throw new TypeError('nativeMemory takes an object of options');
  const pageSize = checkedPageSize(options.pageSize ?? 4096);
  const limit = options.limit ?? Infinity;
  if (typeof limit !== 'number') throw new TypeError(`limit must be a number of bytes, got ${typeof limit}`);
  if (!(limit >= pageSize)) throw new RangeError(`limit must be at least one page of ${pageSize} bytes, got ${limit}`);
  const patience = options.patienceMs ?? 30_000;
  if (typeof patience !== 'number') throw new TypeError(`patienceMs must be a number, got ${typeof patience}`);
  if (!Number.isInteger(patience) || patience < 1 || patience > 600_000)
    throw new RangeError(`patienceMs must be an integer from 1 to 600000, got ${patience}`);
  const tracking = options.tracking ?? 'auto';
  if (!['auto', 'wp-async', 'wp-sync', 'compare'].includes(tracking))
    throw new RangeError(`tracking must be 'auto', 'wp-async', 'wp-sync' or 'compare', got ${String(tracking)}`);
  const handler = options.faultHandler ?? 'thread';
  if (handler !== 'thread' && handler !== 'worker')
    throw new RangeError(`faultHandler must be 'thread' or 'worker', got ${String(handler)}`);
  const addon = loadAddon();
  if (pageSize < addon.pageSize)
    throw new RangeError(`pageSize must be at least the system's ${addon.pageSize} bytes, got ${pageSize}`);
  return new Memory(addon, pageSize, limit, choose(addon, tracking, patience, handler));
}

class Memory implements NativeMemory {
  readonly kind = 'native';
  readonly tracker: NativeTracker;
  readonly live: NativeLive;
  readonly sources: FileFrames;
  readonly withholds: { readonly works: boolean; readonly reason?: string };
  used = 0;
  private readonly numbers = new FrameNumbers(0, FIRST_PLACE);
  private readonly places = new FrameNumbers(FIRST_PLACE, PLACES_END);
  private readonly liveNumbers: LiveNumbers;
  /** Of frames that are not live. */
  private readonly file: FrameFile;
  /** Of places. */
  private readonly liveFile: FrameFile;
  private readonly one = new Uint32Array(1);
  private readonly pool: FramePool;

  constructor(
    addon: Addon,
    readonly pageSize: number,
    readonly limit: number,
    { mechanism, faults, handler, refused }: Choice,
  ) {
    this.withholds = faults === undefined ? { works: false, reason: refused } : { works: true };
    this.file = new FrameFile(addon, pageSize, 0);
    this.liveFile = new FrameFile(addon, pageSize, FIRST_PLACE);
    this.pool = new FramePool(this.file, this.numbers);
    this.sources = new FileFrames(addon, pageSize, this.numbers, (frames) => this.count(frames));
    const tier = tierOf(mechanism, addon, this.liveFile, faults);
    const ranges = new LiveRanges();
    this.liveNumbers = new LiveNumbers(this.numbers, ranges);
    this.tracker = new NativeTracker(tier, ranges, this.liveNumbers);
    this.live = new NativeLive({
      addon,
      file: this.liveFile,
      places: this.places,
      numbers: this.liveNumbers,
      ranges,
      tier,
      tracker: this.tracker,
      faults,
      handler,
      refused,
      count: (frames) => this.count(frames),
    });
  }

  get metadataBytes(): number {
    const numbers = this.numbers.bytes + this.places.bytes + this.liveNumbers.bytes;
    return (
      this.pool.bytes +
      numbers +
      this.file.bytes +
      this.liveFile.bytes +
      this.live.bytes +
      this.tracker.bytes +
      this.sources.bytes
    );
  }

  allocate(count: number): number {
    if (!Number.isSafeInteger(count) || count < 1) refuse('count', count);
    this.check(count);
    const first = this.pool.allocate(count);
    if (first < 0) this.exhausted(count);
    this.used += count;
    return first;
  }

  free(frame: number): void {
    if (typeof frame !== 'number') refuse('frame in use', frame);
    if (this.liveNumbers.placeOf(frame) >= 0) {
      this.one[0] = frame;
      this.live.free(this.one, 1);
    } else if (this.pool.taken.has(frame)) {
      this.tracker.forget(frame, 1);
      this.pool.free(frame);
      this.used--;
    } else if (this.sources.has(frame)) {
      this.tracker.forget(frame, 1);
      this.sources.free(frame);
    } else {
      refuse('frame in use', frame);
    }
  }

  zero(frame: number): void {
    const isOfSource = this.sources.has(frame);
    if (!isOfSource && !this.pool.mayBeSoiled(frame)) return;
    const offset = this.offsetOf(frame);
    this.bufferOf(frame).fill(0, offset, offset + this.pageSize);
    if (!isOfSource) this.pool.cleaned(frame);
  }

  commit(first: number, count: number): void {
    // Others have theirs already.
    if (this.liveNumbers.placeOf(first) >= 0 || this.sources.has(first)) return;
    this.file.reach(first + count);
    this.file.bufferOf(first);
  }

  view(first: number, count: number): Uint8Array | undefined {
    const place = this.liveNumbers.placeOf(first);
    if (this.sources.hasAny(first, count)) return this.sources.view(first, count);
    if (this.liveNumbers.together(first, count) < count) return undefined;
    return place < 0 ? this.file.view(first, count) : this.liveFile.view(place, count);
  }

  bufferOf(frame: number): Uint8Array {
    const place = this.liveNumbers.placeOf(frame);
    if (place >= 0) return this.liveFile.bufferOf(place);
    return this.sources.has(frame) ? this.sources.bufferOf(frame) : this.file.bufferOf(frame);
  }

  offsetOf(frame: number): number {
    const place = this.liveNumbers.placeOf(frame);
    if (place >= 0) return this.liveFile.offsetOf(place);
    return this.sources.has(frame) ? this.sources.offsetOf(frame) : this.file.offsetOf(frame);
  }

  private count(frames: number): void {
    if (frames > 0) this.check(frames);
    this.used += frames;
  }

  private check(count: number): void {
    if ((this.used + count) * this.pageSize > this.limit) this.exhausted(count);
  }

  private exhausted(count: number): never {
    throw new MirrorError(
      'OUT_OF_HOST_MEMORY',
      `${count} pages of ${this.pageSize} bytes do not fit: ${this.used} are in use of at most ${this.limit} bytes; unmap regions or raise the limit`,
    );
  }
}

function tierOf(mechanism: Tier['mechanism'], addon: Addon, file: FrameFile, faults: Userfault | undefined): Tier {
  if (mechanism === 'compare' || faults === undefined) return new CompareTier(addon, file);
  return new ProtectionTier(mechanism, faults, file.pageSize);
}

function checkedPageSize(pageSize: number): number {
  if (typeof pageSize !== 'number') throw new TypeError(`pageSize must be a number, got ${typeof pageSize}`);
  const isPageSize = Number.isInteger(Math.log2(pageSize)) && pageSize >= MIN_PAGE_SIZE && pageSize <= MAX_PAGE_SIZE;
  if (!isPageSize)
    throw new RangeError(
      `pageSize must be a power of two from ${MIN_PAGE_SIZE} to ${MAX_PAGE_SIZE} bytes, got ${pageSize}`,
    );
  return pageSize;
}

function refuse(what: string, value: number): never {
  const Kind = typeof value === 'number' ? RangeError : TypeError;
  throw new Kind(`${String(value)} is no ${what}`);
}
