import { replayStream } from '../bare/run.js';
import { roomOf } from '../room.js';
import { loadTrace } from '../trace/memory-trace.js';
import { actorOf, type PageTrace } from '../trace/page-trace.js';
import type { CostModel } from './cost-model.js';
import { type ReplayOptions, replayThroughMirror, type ReplayResult } from './mirror-replay.js';
import { policyOf } from './policies.js';
import { shapeOf, type TraceShape } from './shape.js';

/** Most records of a trace for which Belady's MIN is asked: it has to have them all in memory. */
const MOST_FOR_BELADY = 2 ** 25;

/** What one job is to find out: a trace, a policy, a size, a window. */
export interface Job {
  readonly policy: string;
  /** Pages, or percent of the trace's pages. */
  readonly memory: string;
  readonly window: number;
  readonly model: CostModel;
}

/** What it found out. */
export interface ReplayRow extends ReplayResult, Job {
  readonly trace: string;
  /** Different pages of the trace. */
  readonly pages: number;
  readonly room: number;
  /** Pages that Belady's MIN would bring in, one access after another, with this much memory; null where the trace is too long for it. */
  readonly beladyPagesIn: number | null;
}

/** A trace with what is known of it: made once, used for many jobs. */
export class Subject {
  readonly trace: PageTrace;
  readonly shape: TraceShape;
  private readonly optima = new Map<number, number>();
  private onDevice: Uint32Array | undefined;

  private constructor(trace: PageTrace, shape: TraceShape) {
    this.trace = trace;
    this.shape = shape;
  }

  /** Reads a trace to its end. Short ones stay in memory, so that they need not be read again. */
  static async of(trace: PageTrace): Promise<Subject> {
    const shape = await shapeOf(trace);
    return new Subject(shape.records <= MOST_FOR_BELADY ? await loadTrace(trace) : trace, shape);
  }

  /** Runs a job. @throws RangeError for a size or a policy that is none */
  async run(job: Job, watch: Pick<ReplayOptions, 'onProgress' | 'observer'> = {}): Promise<ReplayRow> {
    const { trace, shape } = this;
    const { policy, memory, window, model } = job;
    const { attach, writesAll = false } = policyOf(policy);
    const room = roomOf(memory, shape.touched.size);
    const result = await replayThroughMirror(trace, { room, attach, writesAll, window, model, shape, ...watch });
    const beladyPagesIn = await this.optimum(room);
    return { trace: nameOf(trace), pages: shape.touched.size, ...job, room, ...result, beladyPagesIn };
  }

  private async optimum(room: number): Promise<number | null> {
    if (this.shape.records > MOST_FOR_BELADY) return null;
    let misses = this.optima.get(room);
    if (misses === undefined) {
      this.onDevice ??= await this.devicePages();
      misses = replayStream(this.onDevice, 'belady', room).misses;
      this.optima.set(room, misses);
    }
    return misses;
  }

  /** The pages that the device accesses, in order. */
  private async devicePages(): Promise<Uint32Array> {
    const { pages, metas } = await loadTrace(this.trace);
    return this.shape.hasDevice ? pages.filter((_, i) => actorOf(metas[i]!) !== 0) : pages;
  }
}

/** What a trace is called: its file's name without what all have in common. */
export function nameOf({ name }: Pick<PageTrace, 'name'>): string {
  return name.replace(/^.*\//, '').replace(/\.mstrace(\.gz)?$/, '');
}
