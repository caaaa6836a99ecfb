import { Worker } from 'node:worker_threads';
import type { LiveRange } from '@mirrorspace/core';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { nativeMemory, type NativeMemory } from '../../src/index.js';
import { List } from '../fixtures/list.js';
import { runs, seed } from './settings.js';

const FRAMES = 40;

/** What a frame should be. */
interface Frame {
  readonly bytes: Uint8Array;
  taken: boolean;
  withheld: boolean;
  noted: boolean;
  stored: boolean;
}

type Store = 'array' | 'dataView' | 'atomics' | 'private' | 'worker';

interface Operation {
  readonly kind:
    | Store
    | 'behind'
    | 'read'
    | 'note'
    | 'collect'
    | 'trackerCollect'
    | 'written'
    | 'withhold'
    | 'restore'
    | 'take'
    | 'free'
    | 'reopen';
  readonly frame: number;
  readonly count: number;
  readonly offset: number;
  /** Other frames, in any order. */
  readonly others: readonly number[];
}

const operations = fc.array(
  fc.record<Operation>({
    kind: fc.constantFrom<Operation['kind'][]>(
      'array',
      'array',
      'dataView',
      'atomics',
      'private',
      'worker',
      'behind',
      'read',
      'read',
      'note',
      'collect',
      'collect',
      'trackerCollect',
      'written',
      'withhold',
      'withhold',
      'restore',
      'restore',
      'take',
      'free',
      'reopen',
    ),
    frame: fc.nat(FRAMES - 1),
    count: fc.integer({ min: 1, max: FRAMES }),
    offset: fc.nat(4095),
    others: fc.uniqueArray(fc.nat(FRAMES - 1), { maxLength: 6 }),
  }),
  { maxLength: 80 },
);

/** A thread that stores where it is told. */
class Storer {
  private readonly control = new Int32Array(new SharedArrayBuffer(8));
  private readonly worker = new Worker(new URL('../fixtures/storer.mjs', import.meta.url), {
    workerData: this.control,
  });

  use(bytes: SharedArrayBuffer): void {
    this.worker.postMessage(bytes);
  }

  increment(at: number): void {
    Atomics.store(this.control, 1, at);
    Atomics.store(this.control, 0, 1);
    Atomics.notify(this.control, 0);
    if (Atomics.wait(this.control, 0, 1, 60_000) === 'timed-out') throw new Error('the worker does not answer');
  }

  async end(): Promise<void> {
    await this.worker.terminate();
  }
}

/** A range, and what it should be. */
class Pair {
  range: LiveRange;
  frames: Frame[] = [];
  private array!: Uint8Array;
  private view!: DataView;
  private own!: Uint8Array;

  constructor(
    readonly memory: NativeMemory,
    private readonly storer: Storer,
  ) {
    this.range = this.open();
  }

  open(): LiveRange {
    const { memory } = this;
    const bytes = FRAMES * memory.pageSize;
    this.range = memory.live.open(FRAMES);
    const shared = this.range.buffer(0, bytes, true) as SharedArrayBuffer;
    this.array = new Uint8Array(shared);
    this.view = new DataView(shared);
    this.own = new Uint8Array(this.range.buffer(0, bytes, false));
    this.frames = Array.from({ length: FRAMES }, () => ({
      bytes: new Uint8Array(memory.pageSize),
      taken: false,
      withheld: false,
      noted: false,
      stored: false,
    }));
    this.storer.use(shared);
    return this.range;
  }

  store(kind: Store, index: number, offset: number): void {
    const frame = this.frames[index]!;
    if (frame.withheld) return;
    const { pageSize } = this.memory;
    const at = index * pageSize + (offset % pageSize);
    frame.bytes[at % pageSize]!++;
    frame.stored = true;
    const value = frame.bytes[at % pageSize]!;
    if (kind === 'array') this.array[at]!++;
    else if (kind === 'dataView') this.view.setUint8(at, value);
    else if (kind === 'private') this.own[at] = value;
    else if (kind === 'atomics') Atomics.add(this.array, at, 1);
    else this.storer.increment(at);
  }

  /** As a device's copy home: behind a page that is withheld. */
  behind(index: number, offset: number): void {
    const frame = this.frames[index]!;
    if (!frame.withheld) return;
    frame.bytes[offset]!++;
    const host = this.range.first + index;
    this.memory.bufferOf(host)[this.memory.offsetOf(host) + offset]!++;
  }

  read(index: number): void {
    const frame = this.frames[index]!;
    const { pageSize } = this.memory;
    const host = this.memory.offsetOf(this.range.first + index);
    const behind = this.memory.bufferOf(this.range.first + index).subarray(host, host + pageSize);
    expect(Buffer.compare(behind, frame.bytes)).toBe(0);
    if (frame.withheld) return;
    expect(Buffer.compare(this.array.subarray(index * pageSize, (index + 1) * pageSize), frame.bytes)).toBe(0);
  }

  collect(first: number, count: number): void {
    const end = Math.min(FRAMES, first + count);
    const out = new List();
    const wanted: number[] = [];
    for (let index = first; index < end; index++) {
      if (this.frames[index]!.stored) wanted.push(this.range.first + index);
      this.frames[index]!.stored = false;
    }
    expect(this.memory.live.collect(this.range.first + first, end - first, out)).toBe(wanted.length);
    expect(out.ids()).toEqual(wanted);
  }

  trackerCollect(indices: readonly number[]): void {
    const wanted = indices.filter((index) => this.frames[index]!.stored || this.frames[index]!.noted);
    for (const index of indices) Object.assign(this.frames[index]!, { stored: false, noted: false });
    const out = new List();
    const asked = new List(...indices.map((index) => this.range.first + index));
    expect(this.memory.tracker.collect(asked, out)).toBe(wanted.length);
    expect(out.ids()).toEqual(wanted.map((index) => this.range.first + index));
  }

  written(index: number): void {
    const frame = this.frames[index]!;
    expect(this.memory.tracker.written(this.range.first + index)).toBe(frame.stored || frame.noted);
  }

  keep(kind: 'withhold' | 'restore', indices: readonly number[]): void {
    for (const index of indices) this.frames[index]!.withheld = kind === 'withhold';
    const list = Uint32Array.from([...indices, 0], (index) => this.range.first + index);
    this.memory.live[kind](list, indices.length);
  }

  take(index: number): void {
    const frame = this.frames[index]!;
    const host = this.range.first + index;
    if (frame.taken) expect(() => this.memory.live.take(host)).toThrow(RangeError);
    else this.memory.live.take(host);
    frame.taken = true;
  }

  free(index: number): void {
    const frame = this.frames[index]!;
    const host = this.range.first + index;
    if (frame.taken) {
      this.memory.free(host);
      frame.bytes.fill(0);
      Object.assign(frame, { taken: false, withheld: false, noted: false, stored: false });
    } else {
      expect(() => this.memory.free(host)).toThrow(RangeError);
    }
  }

  run({ kind, frame, count, offset, others }: Operation): void {
    if (kind === 'read') this.read(frame);
    else if (kind === 'behind') this.behind(frame, offset);
    else if (kind === 'note') this.note(frame, count);
    else if (kind === 'collect') this.collect(frame, count);
    else if (kind === 'trackerCollect') this.trackerCollect(others);
    else if (kind === 'written') this.written(frame);
    else if (kind === 'withhold' || kind === 'restore') this.keep(kind, others);
    else if (kind === 'take') this.take(frame);
    else if (kind === 'free') this.free(frame);
    else if (kind === 'reopen') this.reopen();
    else this.store(kind, frame, offset);
    expect(this.memory.used).toBe(this.frames.filter(({ taken }) => taken).length);
  }

  private note(first: number, count: number): void {
    const end = Math.min(FRAMES, first + count);
    this.memory.tracker.note(this.range.first + first, end - first);
    for (let index = first; index < end; index++) this.frames[index]!.noted = true;
  }

  private reopen(): void {
    this.range.close();
    this.open();
  }
}

describe.each(['wp-async', 'wp-sync', 'compare'] as const)('tracking by %s', (tracking) => {
  const storer = new Storer();
  afterAll(() => storer.end());

  it.each([4096, 16384])(
    'finds what a plain model finds, pages of %i bytes',
    (pageSize) => {
      const memory = nativeMemory({ tracking, pageSize, patienceMs: 5000 });
      expect(memory.tracker.mechanism).toBe(tracking);
      fc.assert(
        fc.property(operations, (list) => {
          const pair = new Pair(memory, storer);
          for (const operation of list) pair.run(operation);
          for (let index = 0; index < FRAMES; index++) pair.read(index);
          pair.collect(0, FRAMES);
          pair.range.close();
          expect(memory.used).toBe(0);
        }),
        { seed, numRuns: runs },
      );
    },
    120_000,
  );
});
