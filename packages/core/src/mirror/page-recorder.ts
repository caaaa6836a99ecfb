import {
  type Device,
  FAULT_READ,
  type Fence,
  hasSettled,
  type JsProgram,
  MirrorError,
  type Program,
} from '../driver/index.js';
import type { SpaceState } from '../space/index.js';
import {
  PAGE_TRACE_LAST_ACTOR,
  PAGE_TRACE_LAST_LAUNCH,
  PAGE_TRACE_MOST_RECORDS,
  pageTraceMeta,
} from '../trace/index.js';
import { checkValue } from './check-value.js';
import { RecordBuffer } from './page-recording.js';
import { RecordingContext } from './recording-context.js';
import { Turns } from './turns.js';

const MOST_RESIDENT = 65_536;
const DEFAULT_LIMIT = 2 ** 24;

/** What `mirror.record` records, and where to. */
export interface PageRecordingOptions {
  /**
   * `faults`: the pages that the device faulted on, as its fault buffer gave them. `accesses`: every page that a work unit accessed, once the unit has
   * ended, and those of `read`, `write`, `fill` and `atomicAdd`; where programs are JavaScript. Both: the pages that the CPU or another device called
   * home, as accesses of the CPU. Default `faults`.
   */
  readonly of?: 'faults' | 'accesses';
  /** Who the device is in the trace, 1 to 127. Default 1. */
  readonly actor?: number;
  /**
   * Work units that make their accesses in turn, one each, 1 to 65,536: as a device does that has so many of them resident. Default 1: one unit after
   * another. With `accesses` only.
   */
  readonly resident?: number;
  /** Most records, 8 bytes each, 1 to 2^32 - 1; later ones are dropped and counted. Default 2^24. */
  readonly limit?: number;
  /**
   * Gets the records, 64 KiB at a time, so that nothing is kept: for long recordings. Called from within accesses: it must be quick and not await. Where it throws
   * the recording ends, and the error is rethrown from a microtask.
   */
  readonly onChunk?: (bytes: Uint8Array) => void;
}

/** A launch under way, and its index. */
interface Begun {
  readonly fence: Fence;
  readonly index: number;
}

/** What records the accesses of one mirror while a recording is active. */
export class PageRecorder {
  readonly recording: RecordBuffer;
  private readonly space: SpaceState;
  private readonly of: 'faults' | 'accesses';
  private readonly actor: number;
  private readonly turns: Turns;
  private readonly context: RecordingContext;
  private launches = 0;
  /** The launch whose units are in turn. */
  private current = -1;
  /** Launches that may not have ended, oldest first. */
  private begun: Begun[] = [];

  /**
   * @param hasFaults whether core serves the device's faults
   * @throws TypeError, RangeError; MirrorError `UNSUPPORTED`
   */
  constructor(space: SpaceState, device: Device, hasFaults: boolean, options: PageRecordingOptions) {
    if (typeof options !== 'object' || options === null) throw new TypeError('options of record must be an object');
    const { of = 'faults', actor = 1, resident = 1, limit = DEFAULT_LIMIT, onChunk } = options;
    if (of !== 'faults' && of !== 'accesses')
      throw new TypeError(`of must be 'faults' or 'accesses', got ${String(of)}`);
    checkValue(actor, 1, PAGE_TRACE_LAST_ACTOR, 'actor');
    checkValue(resident, 1, MOST_RESIDENT, 'resident');
    checkValue(limit, 1, PAGE_TRACE_MOST_RECORDS, 'limit');
    if (onChunk !== undefined && typeof onChunk !== 'function')
      throw new TypeError(`onChunk must be a function, got ${typeof onChunk}`);
    const { name } = device.info;
    const isOpaque = hasFaults && !device.features.has('program:js');
    if (of === 'accesses' ? isOpaque : !hasFaults) {
      const remedy = isOpaque
        ? 'does not run JavaScript: record its faults'
        : 'serves its faults itself: record accesses';
      throw new MirrorError('UNSUPPORTED', `${name} ${remedy}`, { device: name });
    }
    this.space = space;
    this.of = of;
    this.actor = actor;
    this.recording = new RecordBuffer(space.pageSize, { limit, onChunk });
    this.turns = new Turns(resident, (page, meta) => this.recording.add(page, meta));
    this.context = new RecordingContext(space.pageSize);
    this.recording.onStop(() => this.turns.flush());
  }

  /** The program to run in place of one, so that what its units access is recorded. */
  wrap(program: Program | JsProgram): Program | JsProgram {
    if (this.of !== 'accesses' || !('run' in program)) return program;
    const { context, turns } = this;
    const index = this.launches;
    const [read, write] = [this.metaOf(false, index), this.metaOf(true, index)];
    return {
      ...program,
      run: (ctx, id, args) => {
        if (!this.recording.active) return program.run(ctx, id, args);
        if (this.current !== index) this.turnTo(index);
        context.begin(ctx, turns.begin(), read, write);
        const result: unknown = program.run(context, id, args);
        if (result !== 'retry' && !context.interrupted) turns.commit();
        return result;
      },
    };
  }

  /** Counts a launch that was sent. */
  launched(fence: Fence): void {
    const index = this.launches++;
    if (this.of !== 'faults') return;
    this.begun = this.begun.filter((launch) => !hasSettled(launch.fence));
    this.begun.push({ fence, index });
  }

  /** Adds a fault of the device on a page. */
  fault(page: number, access: number, queue: number): void {
    if (this.of !== 'faults') return;
    const launch = this.begun.find(({ fence }) => fence.queue === queue && !hasSettled(fence));
    this.recording.add(page, this.metaOf(access !== FAULT_READ, launch?.index ?? this.launches));
  }

  /** Adds an access of the device to a range of bytes. */
  access(address: number, bytes: number, write: boolean): void {
    if (bytes === 0 || this.of !== 'accesses') return;
    this.turnTo(this.launches);
    const meta = this.metaOf(write, this.launches);
    const last = this.space.pageOf(address + bytes - 1);
    for (let page = this.space.pageOf(address); page <= last; page++) this.recording.add(page, meta);
  }

  /** Adds a page that the CPU wants. */
  wanted(page: number, write: boolean): void {
    this.turnTo(this.launches);
    this.recording.add(page, pageTraceMeta(write, 0, Math.min(this.launches, PAGE_TRACE_LAST_LAUNCH)));
  }

  private turnTo(index: number): void {
    this.turns.flush();
    this.current = index;
  }

  private metaOf(write: boolean, launch: number): number {
    return pageTraceMeta(write, this.actor, Math.min(launch, PAGE_TRACE_LAST_LAUNCH));
  }
}
