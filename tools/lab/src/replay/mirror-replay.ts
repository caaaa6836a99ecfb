import {
  type AddressSpace,
  type AttachOptions,
  createSpace,
  type Device,
  type JsProgram,
  MIN_PAGE_SIZE,
  type Mirror,
} from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { actorOf, isWrite, launchOf, type PageTrace, type TraceChunk } from '../trace/page-trace.js';
import { type CostModel, UVMSMART } from './cost-model.js';
import { shapeOf, type TraceShape } from './shape.js';
import { type Traffic, type TrafficObserver, watchTraffic } from './transfers.js';

/** What the CPU wrote everywhere, and what a store writes. */
const [BEFORE, STORED] = [1, 2];
/** Most work units of a launch; a longer one is several. */
const MOST_UNITS = 1 << 20;
const FAULT_BUFFER = 256;
/** Where page 0 goes: units that policies look at begin in the trace where they begin in the space. */
const BASE = 2 ** 30;
/** No group of records. */
const NOTHING = -2;
/** What is never touched, and as long as this, is in no region. */
const GAP_BYTES = 65_536;
/** Pages that the CPU fills or looks at together. */
const RUN = 64;

/** How a trace is replayed. */
export interface ReplayOptions {
  /** Pages of device memory. */
  readonly room: number;
  /** How the device is attached: its policies. */
  readonly attach: AttachOptions;
  /** Accesses in flight at once, the GPU's resident threads: 1 is strictly one after the other. Default 1024. */
  readonly window?: number;
  /** Faults a batch, where `attach` does not say. Default 256. */
  readonly batch?: number;
  readonly model?: CostModel;
  /** Every access counts as a store, so that all that is evicted is written back. Default false. */
  readonly writesAll?: boolean;
  /** What is known of the trace, where it was read before. */
  readonly shape?: TraceShape;
  /** Hears what happens when. */
  readonly observer?: ReplayObserver;
  /** Hears, now and then, how many records have been replayed. */
  readonly onProgress?: (records: number) => void;
}

/** Hears of what happens in a replay, and after how many accesses of the device. */
export interface ReplayObserver {
  /** A page of the trace got an entry, which it lacked or which did not allow enough. */
  mapped(page: number, accesses: number): void;
  /** Pages were copied to the device or home. */
  moved(direction: 'in' | 'out', pages: number, accesses: number): void;
}

/** What a replay came to. */
export interface ReplayResult {
  /** Accesses by the device. */
  readonly accesses: number;
  readonly launches: number;
  readonly faults: number;
  readonly batches: number;
  /** Pages copied to the device, with those that were brought ahead. */
  readonly pagesIn: number;
  readonly prefetched: number;
  /** Of those, how many are known to have left unused. */
  readonly wasted: number;
  readonly evictions: number;
  /** Why pages were brought ahead, and given up, as the policies say: counts of pages. */
  readonly fetchReasons: Readonly<Record<string, number>>;
  readonly evictionReasons: Readonly<Record<string, number>>;
  /** Dirty pages that were copied home when they were evicted. */
  readonly writeBacks: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Transfers over the bus, both ways. */
  readonly transfers: number;
  /** Microseconds that accesses waited for batches, beside transfers. */
  readonly stallUs: number;
  readonly transferUs: number;
  /** Microseconds in all, by the cost model. */
  readonly estimatedUs: number;
}

/** A mirror on the reference device through which a trace is replayed, in memory that is bounded by its pages and not by its length. */
export class MirrorReplay {
  private readonly device: Device;
  private readonly space: AddressSpace;
  private readonly mirror: Mirror;
  private readonly base: number;
  private readonly shape: TraceShape;
  private readonly options: ReplayOptions;
  private readonly traffic: Traffic;
  private readonly program: JsProgram;
  private pages = new Uint32Array(8192);
  private writes = new Uint8Array(8192);
  private count = 0;
  /** Of the records that are collected: twice their launch, and 1 more if they are the CPU's. */
  private group = NOTHING;
  private records = 0;
  private accesses = 0;
  private launches = 0;

  private constructor(
    device: Device,
    space: AddressSpace,
    mirror: Mirror,
    base: number,
    shape: TraceShape,
    options: ReplayOptions,
  ) {
    this.device = device;
    this.space = space;
    this.mirror = mirror;
    this.base = base;
    this.shape = shape;
    this.options = options;
    const { pageSize } = space;
    this.traffic = watchTraffic(device, options.model ?? UVMSMART, this.observe(base / pageSize));
    // What policies know of time is the time that is estimated, not that which the replay takes.
    device.now = () => this.elapsedUs;
    this.program = {
      language: 'js',
      run: (ctx, { x }) => {
        const at = base + this.pages[x]! * pageSize;
        const write = this.writes[x] === 1;
        if (!ctx.probe(at, write ? 'write' : 'read')) return 'retry';
        if (write) ctx.store8(at, STORED);
        this.accesses++;
        return undefined;
      },
    };
  }

  /** Opens a device, maps the trace's regions, and has the CPU write every page of them. */
  static async open(pageSize: number, shape: TraceShape, options: ReplayOptions): Promise<MirrorReplay> {
    const { room, attach, window = 1024, batch = 256 } = options;
    if (pageSize < MIN_PAGE_SIZE)
      throw new RangeError(`pages of ${pageSize} bytes cannot be mirrored, only those of ${MIN_PAGE_SIZE} or more`);
    const device = await memory.open({
      memory: room * pageSize,
      pageSizes: [pageSize],
      residentUnits: window,
      faultBuffer: Math.max(FAULT_BUFFER, window),
      poison: false,
    });
    const space = await createSpace({ pageSize });
    try {
      const mirror = await space.attach(device, { batch, ...attach });
      const before = new Uint8Array(RUN * pageSize).fill(BEFORE);
      await regionsOf(shape, pageSize, async (from, count) => {
        space.map({ bytes: count * pageSize, address: BASE + from * pageSize, fixed: true });
        // In order, so that neighbours are neighbours on the host, too.
        for (let page = from; page < from + count; page += RUN) {
          const bytes = before.subarray(0, Math.min(RUN, from + count - page) * pageSize);
          await space.write(BASE + page * pageSize, bytes);
        }
      });
      return new MirrorReplay(device, space, mirror, BASE, shape, options);
    } catch (error) {
      await space.close();
      await device.close();
      throw error;
    }
  }

  /** Replays some records. */
  async play({ pages, metas, count }: TraceChunk): Promise<void> {
    const { hasDevice } = this.shape;
    for (let i = 0; i < count; i++) {
      const meta = metas[i]!;
      const group = 2 * launchOf(meta) + Number(hasDevice && actorOf(meta) === 0);
      if (group !== this.group || this.count === MOST_UNITS) {
        await this.flush();
        this.group = group;
      }
      this.add(pages[i]!, meta);
    }
  }

  /**
   * What it came to so far.
   * @throws Error when memory is not what the trace's stores leave: then the mirror is wrong, and its figures are, too
   */
  async finish(): Promise<ReplayResult> {
    await this.flush();
    const { accesses, launches, options } = this;
    const { model = UVMSMART } = options;
    const { faults, batches, prefetched, prefetchWasted: wasted, evictions, writeBacks } = this.mirror.stats;
    const { fetchReasons, evictionReasons } = this.mirror.stats;
    const { in: into, out } = { in: { ...this.traffic.in }, out: { ...this.traffic.out } };
    const estimatedUs = this.elapsedUs;
    await this.check();
    const stallUs = batches * model.batchUs;
    const transferUs = into.us + out.us;
    return {
      ...{ accesses, launches, faults, batches, pagesIn: into.pages, prefetched, wasted, evictions, writeBacks },
      ...{ fetchReasons: { ...fetchReasons }, evictionReasons: { ...evictionReasons } },
      ...{ bytesIn: into.bytes, bytesOut: out.bytes, transfers: into.transfers + out.transfers },
      ...{ stallUs, transferUs, estimatedUs },
    };
  }

  /** Microseconds so far, by the cost model. */
  private get elapsedUs(): number {
    const { accesses, mirror, traffic } = this;
    const { batchUs, accessUs } = this.options.model ?? UVMSMART;
    return accesses * accessUs + mirror.stats.batches * batchUs + traffic.in.us + traffic.out.us;
  }

  /** Ends it. */
  async close(): Promise<void> {
    await this.space.close();
    await this.device.close();
  }

  /** Every page has what was stored there, or what it had before. */
  private async check(): Promise<void> {
    const { space, base, shape, options } = this;
    const { pageSize } = space;
    await shape.touched.runs(RUN, async (from, count) => {
      const bytes = await space.read(base + from * pageSize, count * pageSize);
      for (let i = 0; i < count; i++) {
        const byte = bytes[i * pageSize];
        const stored = shape.stored.has(from + i) || (options.writesAll === true && byte === STORED);
        const expected = stored ? STORED : BEFORE;
        if (byte !== expected) throw new Error(`page ${from + i} has ${byte}, not ${expected}`);
      }
    });
  }

  private observe(first: number): TrafficObserver | undefined {
    const { observer } = this.options;
    if (observer === undefined) return undefined;
    return {
      mapped: (pages, count) => {
        for (let i = 0; i < count; i++) observer.mapped(pages[i]! - first, this.accesses);
      },
      moved: (direction, pages) => observer.moved(direction, pages, this.accesses),
    };
  }

  private add(page: number, meta: number): void {
    if (this.count === this.pages.length) this.grow();
    this.pages[this.count] = page;
    this.writes[this.count++] = (this.options.writesAll === true && (this.group & 1) === 0) || isWrite(meta) ? 1 : 0;
  }

  /** Makes the accesses that are collected: a launch of one work unit a record, or accesses of the CPU. */
  private async flush(): Promise<void> {
    const { count, pages, writes, space, base } = this;
    this.records += count;
    if ((this.group & 1) === 1 && count > 0) {
      for (let i = 0; i < count; i++) {
        const at = base + pages[i]! * space.pageSize;
        if (writes[i] === 1) await space.write(at, Uint8Array.of(STORED));
        else await space.read(at, 1);
      }
    } else if (count > 0) {
      await this.mirror.launch(this.program, { grid: [count] }).wait();
      this.launches++;
    }
    this.count = 0;
    this.options.onProgress?.(this.records);
  }

  private grow(): void {
    const pages = new Uint32Array(this.count * 2);
    const writes = new Uint8Array(this.count * 2);
    pages.set(this.pages);
    writes.set(this.writes);
    this.pages = pages;
    this.writes = writes;
  }
}

/**
 * The regions that a trace's pages were in, as far as the trace shows: what lies between two pages that are 64 KiB apart or more, and is never touched, belongs to none. So
 * nothing is brought that the program did not have.
 */
async function regionsOf(
  { touched }: TraceShape,
  pageSize: number,
  each: (from: number, count: number) => Promise<void>,
): Promise<void> {
  const gap = Math.max(1, GAP_BYTES / pageSize);
  let [start, end] = [0, 0];
  await touched.runs(Infinity, async (from, count) => {
    if (end > start && from - end >= gap) {
      await each(start, end - start);
      start = from;
    } else if (end === start) start = from;
    end = from + count;
  });
  if (end > start) await each(start, end - start);
}

/**
 * Replays a trace through a mirror on the reference device. Records of the CPU (actor 0) are accesses of the CPU where the trace has others, too; a trace
 * of a CPU program is replayed as if a device ran it.
 * @throws Error as {@link MirrorReplay.finish}
 */
export async function replayThroughMirror(trace: PageTrace, options: ReplayOptions): Promise<ReplayResult> {
  const replay = await MirrorReplay.open(trace.pageSize, options.shape ?? (await shapeOf(trace)), options);
  try {
    for await (const chunk of trace.chunks()) await replay.play(chunk);
    return await replay.finish();
  } finally {
    await replay.close();
  }
}
