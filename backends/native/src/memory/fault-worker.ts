import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Userfault } from '../addon/userfault.js';
import { ENDED, type FaultJob, READY } from './fault-entry.js';
import { type FaultDelivery, type FaultHandler, type FaultNews, NUMBERS } from './fault-list.js';
import { attempt } from './refusal.js';

/** A worker without ranges ends so long after the last one did. */
const IDLE_MS = 1000;
/** Longest wait for a worker to start. Without it the addon's own thread reads what nobody has read for a quarter of a second. */
const START_MS = 10_000;

/** Has a worker read faults, as long as any range is open: it serves those that need no JavaScript, and this thread's event loop is told of the others. */
export class FaultWorker implements FaultDelivery {
  private told: FaultHandler | undefined;
  private ranges = 0;
  private words: Int32Array | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** Faults that came before there was a handler. */
  private readonly early: Float64Array[] = [];

  constructor(
    private readonly faults: Userfault,
    private readonly news: FaultNews,
  ) {}

  get handler(): FaultHandler | undefined {
    return this.told;
  }

  set handler(handler: FaultHandler | undefined) {
    this.told = handler;
    if (handler !== undefined) for (const numbers of this.early.splice(0)) this.hear(numbers);
  }

  opened(): void {
    if (this.ranges === 0 && this.words === undefined) this.start();
    clearTimeout(this.timer);
    this.ranges++;
  }

  closed(): void {
    if (--this.ranges > 0) return;
    this.timer = setTimeout(() => this.end(), IDLE_MS).unref();
  }

  /** Waits until the worker is there: this thread itself may be the first to access a page. @throws MirrorError `OUT_OF_HOST_MEMORY` */
  private start(): void {
    const state = new SharedArrayBuffer(8);
    const words = new Int32Array(state);
    const job: FaultJob = { token: this.faults.share(), state };
    // What the process was started with may be for its own script only.
    const worker = attempt('the worker for faults', () => new Worker(entry(), { workerData: job, execArgv: [] }));
    worker.on('message', (numbers: Float64Array) => this.hear(numbers));
    worker.on('error', () => undefined);
    worker.on('exit', () => this.ended(words));
    // After that: to listen keeps the process alive.
    worker.unref();
    this.words = words;
    Atomics.wait(words, READY, 0, START_MS);
  }

  private end(): void {
    if (this.words !== undefined) Atomics.store(this.words, ENDED, 1);
    this.words = undefined;
  }

  /** A worker ended: where it is wanted, another one takes its place. */
  private ended(words: Int32Array): void {
    if (this.words !== words) return;
    this.words = undefined;
    const worked = Atomics.load(words, READY) === 1;
    if (!worked || this.ranges === 0 || this.faults.closed) return;
    try {
      this.start();
    } catch {
      // Nobody asked who could be told, and the addon's own thread reads the faults.
    }
  }

  private hear(numbers: Float64Array): void {
    if (this.told === undefined) this.early.push(numbers);
    else this.news.tell(this.told, numbers, numbers.length / NUMBERS);
  }
}

/** The file that the worker runs: beside this one once built, and where it was built to if this is source text. */
function entry(): URL {
  const built = new URL('./fault-thread.js', import.meta.url);
  return existsSync(built) ? built : new URL('../../dist/fault-thread.js', import.meta.url);
}
