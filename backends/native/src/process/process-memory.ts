import { type HostMemory, type IdList, type LiveMemory, MirrorError, type PageTracker } from '@mirrorspace/core';
import { addon as loadAddon } from '../addon/load.js';
import { FrameBits } from '../memory/frame-bits.js';
import { FrameFile } from '../memory/frame-file.js';
import { FrameNumbers } from '../memory/frame-numbers.js';
import { FramePool } from '../memory/frame-pool.js';
import { FIRST_PLACE } from '../memory/live-numbers.js';
import { ProcessLive } from './process-live.js';

/** How memory of the process is made. */
export interface ProcessMemoryOptions {
  /** Most bytes of pages in use that core knows of. Default: no limit but the system's. */
  readonly limit?: number;
}

/** Host memory whose live ranges are the process's own pages. */
export interface ProcessMemory extends HostMemory {
  readonly kind: 'native';
  readonly live: LiveMemory;
}

/**
 * Host memory whose live regions are plain private memory of the process, in pages of the system's size. Devices that mirror the process's page
 * table use it at its own addresses: the kernel moves pages, and brings them back when the CPU touches them. Managed devices cannot be attached.
 * Regions that are not live are typed arrays, and on no device.
 * @throws TypeError, RangeError; MirrorError `UNSUPPORTED` with the reason and the remedy where the addon does not load
 */
export function processMemory(options: ProcessMemoryOptions = {}): ProcessMemory {
  if (typeof options !== 'object' || options === null) throw new TypeError('processMemory takes an object of options');
  const { limit = Infinity } = options;
  if (typeof limit !== 'number') throw new TypeError(`limit must be a number of bytes, got ${typeof limit}`);
  const addon = loadAddon();
  if (!(limit >= addon.pageSize))
    throw new RangeError(`limit must be at least one page of ${addon.pageSize} bytes, got ${limit}`);
  return new Memory(addon, limit);
}

class Memory implements ProcessMemory {
  readonly kind = 'native';
  readonly pageSize: number;
  readonly live: ProcessLive;
  readonly tracker: Tracker;
  used = 0;
  private readonly numbers = new FrameNumbers(0, FIRST_PLACE);
  /** Of frames that are not live. */
  private readonly file: FrameFile;
  private readonly pool: FramePool;
  private readonly one = new Uint32Array(1);

  constructor(
    addon: ReturnType<typeof loadAddon>,
    readonly limit: number,
  ) {
    this.pageSize = addon.pageSize;
    this.file = new FrameFile(addon, addon.pageSize, 0);
    this.pool = new FramePool(this.file, this.numbers);
    this.live = new ProcessLive(addon, addon.pageSize, this.numbers, (frames) => {
      if (frames > 0) this.check(frames);
      this.used += frames;
    });
    this.tracker = new Tracker(this.live);
  }

  get metadataBytes(): number {
    return this.numbers.bytes + this.file.bytes + this.pool.bytes + this.live.bytes + this.tracker.bytes;
  }

  allocate(count: number): number {
    if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`${String(count)} is no count`);
    this.check(count);
    const first = this.pool.allocate(count);
    if (first < 0) throw new MirrorError('OUT_OF_HOST_MEMORY', `${count} pages do not fit: unmap regions`);
    this.used += count;
    return first;
  }

  free(frame: number): void {
    if (this.live.placeOf(frame) >= 0) {
      this.one[0] = frame;
      return this.live.free(this.one, 1);
    }
    if (!this.pool.taken.has(frame)) throw new RangeError(`${String(frame)} is no frame in use`);
    this.tracker.forget(frame);
    this.pool.free(frame);
    this.used--;
  }

  zero(frame: number): void {
    if (!this.pool.mayBeSoiled(frame)) return;
    const offset = this.offsetOf(frame);
    this.bufferOf(frame).fill(0, offset, offset + this.pageSize);
    this.pool.cleaned(frame);
  }

  commit(first: number, count: number): void {
    if (this.live.placeOf(first) >= 0) return;
    this.file.reach(first + count);
    this.file.bufferOf(first);
  }

  view(first: number, count: number): Uint8Array | undefined {
    if (this.live.together(first, count) < count) return undefined;
    if (this.live.placeOf(first) < 0) return this.file.view(first, count);
    const from = this.live.bytesOf(first);
    const to = this.live.bytesOf(first + count - 1);
    return from.buffer === to.buffer ? from.buffer.subarray(from.offset, to.offset + this.pageSize) : undefined;
  }

  bufferOf(frame: number): Uint8Array {
    return this.live.placeOf(frame) < 0 ? this.file.bufferOf(frame) : this.live.bytesOf(frame).buffer;
  }

  offsetOf(frame: number): number {
    return this.live.placeOf(frame) < 0 ? this.file.offsetOf(frame) : this.live.bytesOf(frame).offset;
  }

  private check(count: number): void {
    if (!((this.used + count) * this.pageSize > this.limit)) return;
    throw new MirrorError(
      'OUT_OF_HOST_MEMORY',
      `${count} pages of ${this.pageSize} bytes do not fit: ${this.used} are in use of at most ${this.limit} bytes; unmap regions or raise the limit`,
    );
  }
}

/** Holds tell what they wrote; a live frame counts as written whenever somebody asks, for plain stores and devices do not tell. */
class Tracker implements PageTracker {
  readonly mechanism = 'holds';
  private readonly held = new FrameBits();

  constructor(private readonly live: ProcessLive) {}

  get bytes(): number {
    return this.held.bytes;
  }

  note(first: number, count: number): void {
    if (this.live.placeOf(first) < 0) this.held.setRange(first, count);
  }

  forget(frame: number): void {
    this.held.clear(frame);
  }

  written(frame: number): boolean {
    return this.held.has(frame) || this.live.has(frame);
  }

  collect(frames: IdList, out: IdList): number {
    const before = out.length;
    for (let i = 0; i < frames.length; i++) {
      const frame = frames.items[i]!;
      if (!this.written(frame)) continue;
      this.held.clear(frame);
      out.push(frame);
    }
    return out.length - before;
  }
}
