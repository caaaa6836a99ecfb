import {
  ADDRESS_LIMIT,
  type IdList,
  LIVE_BLOCK,
  type LiveFault,
  type LiveMemory,
  type LiveRange,
  MirrorError,
} from '@mirrorspace/core';
import type { Addon } from '../addon/addon.js';
import type { Mapping } from '../addon/mapping.js';
import { UffdMode, type Userfault } from '../addon/userfault.js';
import type { NativeTracker } from '../tracking/native-tracker.js';
import type { Tier, TrackedRange } from '../tracking/tier.js';
import type { FaultHandlerKind } from './choice.js';
import { type FaultDelivery, FaultNews } from './fault-list.js';
import { FaultLoop } from './fault-loop.js';
import { FaultWorker } from './fault-worker.js';
import { FrameBits } from './frame-bits.js';
import type { FrameFile } from './frame-file.js';
import type { FrameNumbers } from './frame-numbers.js';
import type { LiveNumbers } from './live-numbers.js';
import type { LiveRanges } from './live-ranges.js';
import { attempt } from './refusal.js';

/** Most bytes that one fault brings. */
const AROUND_BYTES = 2 << 20;
const MAX_BUFFER = 2 ** 32;

/** What live memory stands on. */
export interface LiveParts {
  readonly addon: Addon;
  readonly file: FrameFile;
  /** Of places. */
  readonly places: FrameNumbers;
  /** Of frames at places. */
  readonly numbers: LiveNumbers;
  readonly ranges: LiveRanges;
  readonly tier: Tier;
  readonly tracker: NativeTracker;
  /** Absent where userfaultfd is not permitted. */
  readonly faults: Userfault | undefined;
  /** Who reads faults. */
  readonly handler: FaultHandlerKind;
  /** Why, and what to do. */
  readonly refused: string;
  /** Frames beyond the limit are refused. @throws MirrorError `OUT_OF_HOST_MEMORY` */
  count(frames: number): void;
}

/** Live memory by userfaultfd: a file, mapped once more for plain accesses, with faults that are served and writes that are tracked. */
export class NativeLive implements LiveMemory {
  /** Places that have frames in use. */
  private readonly taken = new FrameBits();
  private readonly loop: FaultDelivery | undefined;
  /** The places of a list of frames. */
  private at = new Uint32Array(64);

  constructor(private readonly parts: LiveParts) {
    const { faults, file, numbers, handler } = parts;
    const nameOf = (place: number) => {
      const frame = numbers.frameOf(place);
      return frame < 0 || !this.taken.has(place) ? place : frame;
    };
    if (faults === undefined) return;
    const Delivery = handler === 'worker' ? FaultWorker : FaultLoop;
    this.loop = new Delivery(faults, new FaultNews(file.pageSize, nameOf));
  }

  get bytes(): number {
    return this.taken.bytes + this.at.byteLength;
  }

  get stops(): boolean {
    return this.loop !== undefined;
  }

  get onFault(): ((faults: readonly LiveFault[]) => void) | undefined {
    return this.loop?.handler;
  }

  set onFault(handler: ((faults: readonly LiveFault[]) => void) | undefined) {
    if (handler !== undefined && typeof handler !== 'function') throw new TypeError('onFault takes a function');
    if (this.loop !== undefined) this.loop.handler = handler;
  }

  open(count: number): LiveRange {
    if (typeof count !== 'number') throw new TypeError(`count must be a number, got ${typeof count}`);
    if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`count must be at least 1, got ${count}`);
    const { places, numbers, file, addon } = this.parts;
    const bytes = count * file.pageSize;
    if (bytes > ADDRESS_LIMIT)
      throw new MirrorError('OUT_OF_HOST_MEMORY', `${bytes} bytes are more than a process can address; map less`);
    const first = places.take(lengthOf(count), LIVE_BLOCK);
    if (first < 0) {
      throw new MirrorError(
        'OUT_OF_HOST_MEMORY',
        `${count} pages do not fit among the 2^30 of one host memory; use larger pages or close ranges`,
      );
    }
    let mapping: Mapping | undefined;
    try {
      file.reach(first + count);
      mapping = attempt(`${bytes} bytes of live memory`, () =>
        addon.Mapping.map(file.file, file.positionOf(first), bytes),
      );
      const range = { first, count, mapping };
      this.register(range);
      // The last that may fail.
      this.loop?.opened();
      this.parts.tier.begin(range);
      this.parts.ranges.add(range);
      numbers.begin(range);
      return new Range(this, range, file.pageSize);
    } catch (error) {
      mapping?.unmap();
      places.give(first, lengthOf(count));
      throw error;
    }
  }

  take(place: number): number {
    const range = this.rangeOf(place);
    const at = this.placeOf(place);
    if (this.taken.has(at)) throw new RangeError(`${place} is in use`);
    this.parts.count(1);
    const frame = this.parts.numbers.ensure(range, at);
    if (frame < 0) {
      this.parts.count(-1);
      throw new MirrorError(
        'OUT_OF_HOST_MEMORY',
        'no number is left for another frame: free pages, or use larger ones',
      );
    }
    this.taken.set(at);
    return frame;
  }

  withhold(frames: Uint32Array, count: number): void {
    const { faults, tier, file } = this.parts;
    checkList(frames, count);
    for (let i = 0; i < count; i++) this.rangeOf(frames[i]!);
    if (faults === undefined) {
      throw new MirrorError('UNSUPPORTED', `plain accesses cannot be stopped here: ${this.parts.refused}`);
    }
    const places = this.placesOf(frames, count);
    this.eachRange(places, count, (range, from, to) => {
      faults.withholdPages(range.mapping, places, from, to - from, range.first, file.pageSize);
      tier.withheld(range, places, from, to);
    });
  }

  restore(frames: Uint32Array, count: number): void {
    const { faults, tier, file } = this.parts;
    checkList(frames, count);
    if (faults === undefined) return;
    const places = this.placesOf(frames, count);
    this.eachRange(places, count, (range, from, to) => {
      tier.restoring(range, places, from, to);
      faults.restorePages(range.mapping, places, from, to - from, range.first, file.pageSize);
    });
  }

  collect(first: number, count: number, out: IdList): number {
    return this.parts.tracker.collectPlain(first, count, out);
  }

  /** Whether a place has a frame in use. */
  has(place: number): boolean {
    return this.taken.has(place);
  }

  free(frames: Uint32Array, count: number): void {
    const { faults, tier, tracker, file } = this.parts;
    checkList(frames, count);
    const places = this.placesOf(frames, count);
    for (let i = 0; i < count; i++) {
      if (!this.taken.has(places[i]!)) {
        // One of them twice, too: nothing is freed.
        for (let back = 0; back < i; back++) this.taken.set(places[back]!);
        refuse('frame in use', frames[i]!);
      }
      this.taken.clear(places[i]!);
    }
    this.eachRange(places, count, (range, from, to) => {
      // They are zeros when this returns: nothing tells when somebody touches them.
      for (let first = from, i = from + 1; i <= to; i++) {
        if (i < to && places[i] === places[first]! + i - first) continue;
        tracker.forget(places[first]!, i - first);
        tier.forget(range, places.subarray(first, i));
        file.punch(places[first]!, i - first);
        first = i;
      }
      faults?.restorePages(range.mapping, places, from, to - from, range.first, file.pageSize);
    });
    this.parts.count(-count);
  }

  /** Ends a range. */
  close(range: TrackedRange): void {
    const { first, count } = range;
    const { ranges, tier, tracker, file, places, numbers } = this.parts;
    ranges.remove(range);
    numbers.end(range);
    this.loop?.closed();
    this.parts.count(-this.taken.clearRange(first, count));
    tracker.forget(first, count);
    tier.end(range);
    range.mapping.unmap();
    file.punch(first, count);
    places.give(first, lengthOf(count));
  }

  private register({ first, mapping }: TrackedRange): void {
    const { faults, tier, file, addon } = this.parts;
    if (faults === undefined) return;
    const tracks = tier.mechanism !== 'compare';
    const mode = UffdMode.missing | UffdMode.minor | (tracks ? UffdMode.writeProtect : 0);
    attempt('faults of live memory', () =>
      faults.register(mapping, 0, mapping.length, mode, {
        token: first,
        source: 'continue',
        clean: tracks,
        // System calls into pages that were never withheld work even so; what is only read of those counts as written.
        lazy: faults.userModeOnly && tier.mechanism !== 'wp-sync',
        least: Math.min(512, Math.max(1, file.pageSize / addon.pageSize)),
        most: Math.max(1, AROUND_BYTES / addon.pageSize),
      }),
    );
  }

  private placeOf(frame: number): number {
    return this.parts.numbers.placeOf(frame);
  }

  private rangeOf(frame: number): TrackedRange {
    const range = typeof frame === 'number' ? this.parts.ranges.at(this.placeOf(frame)) : undefined;
    return range ?? refuse('frame of an open range', frame);
  }

  /** The places of a list of frames: good until the next call. */
  private placesOf(frames: Uint32Array, count: number): Uint32Array {
    if (count > this.at.length) this.at = new Uint32Array(Math.max(count, 2 * this.at.length));
    const { at } = this;
    for (let i = 0; i < count; i++) at[i] = this.placeOf(frames[i]!);
    return at;
  }

  /** Calls `use` with the places `[from, to)` of a list that lie in one range. Of a range that was closed meanwhile nothing is left. */
  private eachRange(
    places: Uint32Array,
    count: number,
    use: (range: TrackedRange, from: number, to: number) => void,
  ): void {
    for (let from = 0; from < count;) {
      const range = this.parts.ranges.at(places[from]!);
      let to = from + 1;
      if (range !== undefined) {
        while (to < count && places[to]! >= range.first && places[to]! < range.first + range.count) to++;
        use(range, from, to);
      }
      from = to;
    }
  }
}

/** Places that a range takes. */
function lengthOf(count: number): number {
  return Math.ceil(count / LIVE_BLOCK) * LIVE_BLOCK;
}

function refuse(what: string, value: number): never {
  const Kind = typeof value === 'number' ? RangeError : TypeError;
  throw new Kind(`${String(value)} is no ${what}`);
}

function checkList(frames: Uint32Array, count: number): void {
  if (!(frames instanceof Uint32Array)) throw new TypeError('frames must be an Uint32Array');
  if (!Number.isInteger(count) || count < 0 || count > frames.length) {
    throw new RangeError(`count must be from 0 to ${frames.length}, got ${String(count)}`);
  }
}

class Range implements LiveRange {
  readonly first: number;
  readonly count: number;
  readonly address: number;
  private open = true;

  constructor(
    private readonly live: NativeLive,
    private readonly range: TrackedRange,
    private readonly pageSize: number,
  ) {
    this.first = range.first;
    this.count = range.count;
    this.address = range.mapping.address;
  }

  buffer(offset: number, bytes: number, shared: boolean): ArrayBufferLike {
    if (!this.open) throw new MirrorError('CLOSED', 'the range was closed; open another');
    const length = this.count * this.pageSize;
    for (const [name, value] of [['offset', offset] as const, ['bytes', bytes] as const]) {
      if (typeof value !== 'number') throw new TypeError(`${name} must be a number, got ${typeof value}`);
    }
    const isPart = Number.isInteger(offset) && offset >= 0 && offset % 4096 === 0 && offset < length;
    if (!isPart) throw new RangeError(`offset must be a multiple of 4096 below ${length}, got ${offset}`);
    const most = Math.min(MAX_BUFFER, length - offset);
    if (!Number.isInteger(bytes) || bytes < 1 || bytes > most)
      throw new RangeError(`bytes must be from 1 to ${most}, got ${bytes}`);
    const { mapping } = this.range;
    try {
      return shared ? mapping.sharedArrayBuffer(offset, bytes) : mapping.arrayBuffer(offset, bytes);
    } catch (cause) {
      if ((cause as { code?: string }).code !== 'UNSUPPORTED') throw cause;
      throw new MirrorError('UNSUPPORTED', (cause as Error).message, { cause });
    }
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.live.close(this.range);
  }
}
