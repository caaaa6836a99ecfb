import {
  ADDRESS_LIMIT,
  LIVE_BLOCK,
  type IdList,
  type LiveFault,
  type LiveMemory,
  type LiveRange,
  MirrorError,
} from '@mirrorspace/core';
import type { Addon } from '../addon/addon.js';
import { Advice, type Mapping } from '../addon/mapping.js';
import { FrameBits } from '../memory/frame-bits.js';
import { FrameNumbers } from '../memory/frame-numbers.js';
import { FIRST_PLACE, LiveNumbers, PLACES_END } from '../memory/live-numbers.js';
import { LiveRanges } from '../memory/live-ranges.js';
import { attempt } from '../memory/refusal.js';
import type { TrackedRange } from '../tracking/tier.js';
import { mappedRanges } from './mapped-ranges.js';

const MAX_BUFFER = 2 ** 32;

/** Ranges of private memory of the process: the kernel alone moves their pages, also into the memory of devices. */
export class ProcessLive implements LiveMemory {
  readonly stops = false;
  readonly mirrored = true;
  /** Nobody waits for a page here: the kernel brings it. */
  onFault: ((faults: readonly LiveFault[]) => void) | undefined = undefined;
  private readonly places = new FrameNumbers(FIRST_PLACE, PLACES_END);
  private readonly ranges = new LiveRanges();
  private readonly numbers: LiveNumbers;
  /** Places whose frame is in use. */
  private readonly taken = new FrameBits();
  private readonly windows = new Map<Mapping, Uint8Array[]>();

  constructor(
    private readonly addon: Addon,
    private readonly pageSize: number,
    frames: FrameNumbers,
    /** Counts frames in use. @throws MirrorError `OUT_OF_HOST_MEMORY` */
    private readonly count: (frames: number) => void,
  ) {
    this.numbers = new LiveNumbers(frames, this.ranges);
  }

  get bytes(): number {
    return this.taken.bytes + this.numbers.bytes + this.places.bytes;
  }

  open(count: number): LiveRange {
    const { pageSize, places } = this;
    if (typeof count !== 'number') throw new TypeError(`count must be a number, got ${typeof count}`);
    if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`count must be at least 1, got ${count}`);
    const bytes = count * pageSize;
    const first = bytes > ADDRESS_LIMIT ? -1 : places.take(lengthOf(count), LIVE_BLOCK);
    if (first < 0) throw new MirrorError('OUT_OF_HOST_MEMORY', `${bytes} bytes of live memory do not fit; map less`);
    try {
      const mapping = attempt(`${bytes} bytes of live memory`, () => this.addon.Mapping.reserve(bytes));
      const range = { first, count, mapping };
      this.ranges.add(range);
      this.numbers.begin(range);
      this.windows.set(mapping, []);
      mappedRanges.add(mapping);
      return new ProcessRange(range.first, count, mapping, pageSize, () => this.end(range));
    } catch (error) {
      places.give(first, lengthOf(count));
      throw error;
    }
  }

  take(place: number): number {
    const range = this.rangeOf(place);
    const at = this.placeOf(place);
    if (this.taken.has(at)) throw new RangeError(`${place} is in use`);
    this.count(1);
    const frame = this.numbers.ensure(range, at);
    if (frame < 0) {
      this.count(-1);
      throw new MirrorError('OUT_OF_HOST_MEMORY', 'no number is left for another frame: free pages');
    }
    this.taken.set(at);
    return frame;
  }

  /** The place that a number stands for: of a frame, or itself; -1 for frames that are not live. */
  placeOf(frame: number): number {
    return this.numbers.placeOf(frame);
  }

  /** Whether a number is that of a live frame in use. */
  has(frame: number): boolean {
    const place = this.placeOf(frame);
    return place >= 0 && this.taken.has(place);
  }

  /** Gives frames back: they are zeros then, and on no device. */
  free(frames: Uint32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const { mapping, first } = this.rangeOf(frames[i]!);
      const place = this.placeOf(frames[i]!);
      if (!this.taken.has(place)) throw new RangeError(`${frames[i]} is no frame in use`);
      this.taken.clear(place);
      this.count(-1);
      mapping.advise((place - first) * this.pageSize, this.pageSize, Advice.dontNeed);
    }
  }

  withhold(): never {
    throw new MirrorError('UNSUPPORTED', 'pages of the process itself are withheld by nobody: the kernel moves them');
  }

  restore(): void {
    // Nothing was withheld.
  }

  collect(_first: number, _count: number, _out: IdList): number {
    // Devices that mirror the page table have no copies to make anew; who asks what was written is told by `written`.
    return 0;
  }

  /** How many of `count` numbers from `first` on stand for places, or for frames that are not live, side by side. */
  together(first: number, count: number): number {
    return this.numbers.together(first, count);
  }

  /** A buffer that holds a live frame, and where in it. */
  bytesOf(frame: number): { buffer: Uint8Array; offset: number } {
    const { mapping, first } = this.rangeOf(frame);
    const at = (this.placeOf(frame) - first) * this.pageSize;
    const index = Math.floor(at / MAX_BUFFER);
    const windows = this.windows.get(mapping)!;
    const length = Math.min(MAX_BUFFER, mapping.length - index * MAX_BUFFER);
    windows[index] ??= new Uint8Array(mapping.arrayBuffer(index * MAX_BUFFER, length, false));
    return { buffer: windows[index], offset: at - index * MAX_BUFFER };
  }

  private end(range: TrackedRange): void {
    this.ranges.remove(range);
    this.windows.delete(range.mapping);
    mappedRanges.remove(range.mapping);
    this.count(-this.taken.clearRange(range.first, range.count));
    range.mapping.unmap();
    this.numbers.end(range);
    this.places.give(range.first, lengthOf(range.count));
  }

  private rangeOf(frame: number): TrackedRange {
    const range = typeof frame === 'number' ? this.ranges.at(this.placeOf(frame)) : undefined;
    if (range !== undefined) return range;
    const Kind = typeof frame === 'number' ? RangeError : TypeError;
    throw new Kind(`${String(frame)} is no frame of an open range`);
  }
}

/** Places that a range has for itself: whole blocks. */
function lengthOf(count: number): number {
  return Math.ceil(count / LIVE_BLOCK) * LIVE_BLOCK;
}

class ProcessRange implements LiveRange {
  readonly address: number;
  private open = true;

  constructor(
    readonly first: number,
    readonly count: number,
    private readonly mapping: Mapping,
    private readonly pageSize: number,
    private readonly end: () => void,
  ) {
    this.address = mapping.address;
  }

  buffer(offset: number, bytes: number, shared: boolean): ArrayBufferLike {
    if (!this.open) throw new MirrorError('CLOSED', 'the range was closed; open another');
    for (const [name, value] of [['offset', offset] as const, ['bytes', bytes] as const])
      if (typeof value !== 'number') throw new TypeError(`${name} must be a number, got ${typeof value}`);
    const length = this.count * this.pageSize;
    if (!Number.isInteger(offset) || offset < 0 || offset % 4096 !== 0 || offset >= length)
      throw new RangeError(`offset must be a multiple of 4096 below ${length}, got ${offset}`);
    const most = Math.min(MAX_BUFFER, length - offset);
    if (!Number.isInteger(bytes) || bytes < 1 || bytes > most)
      throw new RangeError(`bytes must be from 1 to ${most}, got ${bytes}`);
    try {
      return shared ? this.mapping.sharedArrayBuffer(offset, bytes) : this.mapping.arrayBuffer(offset, bytes);
    } catch (cause) {
      if ((cause as { code?: string }).code !== 'UNSUPPORTED') throw cause;
      throw new MirrorError('UNSUPPORTED', (cause as Error).message, { cause });
    }
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.end();
  }
}
