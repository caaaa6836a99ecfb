import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Job, Word } from './worker/main.js';

/** Threads kept for the next device, so that opening one costs no start of a thread. */
const MOST_IDLE = 16;
/** A thread that does not leave a closed device by then is in a program that does not end. */
const LEAVE_MS = 500;

const idle: Thread[] = [];

/** What a device hears of its threads. */
export interface ThreadListener {
  /** There is news in the shared memory. */
  news(): void;
  /** A thread ended by itself. */
  died(message: string): void;
}

/** A thread of the process that serves one device after another. Does not keep the process alive unless told to. */
export class Thread {
  readonly #worker: Worker;
  #listener: ThreadListener | undefined;
  #left: (() => void) | undefined;
  #ended = false;

  private constructor() {
    // What the process was started with may be for its own script only.
    this.#worker = new Worker(entry(), { execArgv: [] });
    this.#worker.on('message', (word: Word) => this.#hear(word));
    this.#worker.on('error', (error) => this.#die(error instanceof Error ? error.message : String(error)));
    this.#worker.on('exit', () => this.#die('a thread ended'));
    // After that: to listen keeps the process alive.
    this.#worker.unref();
  }

  /** Gives a thread its job. */
  static start(job: Job, listener: ThreadListener): Thread {
    const thread = idle.pop() ?? new Thread();
    thread.#listener = listener;
    thread.#worker.postMessage(job, [job.port]);
    return thread;
  }

  /** Whether it keeps the process alive. */
  hold(alive: boolean): void {
    if (alive) this.#worker.ref();
    else this.#worker.unref();
  }

  /** Resolves when it has left its device, which was closed: by itself, or because it was ended. */
  async leave(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, LEAVE_MS, false)));
    const left = new Promise<boolean>((resolve) => (this.#left = () => resolve(true)));
    if (this.#listener === undefined) this.#left?.();
    const inTime = await Promise.race([left, late]);
    clearTimeout(timer);
    if (!inTime) return this.end();
    this.#worker.unref();
  }

  /** Ends it, whatever it does. */
  async end(): Promise<void> {
    this.#listener = undefined;
    this.#ended = true;
    await this.#worker.terminate();
  }

  #hear(word: Word): void {
    if (word === 'news') {
      this.#listener?.news();
      return;
    }
    this.#listener = undefined;
    this.#left?.();
    if (this.#ended) return;
    if (idle.length < MOST_IDLE) idle.push(this);
    else void this.end();
  }

  #die(message: string): void {
    const at = idle.indexOf(this);
    if (at >= 0) idle.splice(at, 1);
    const listener = this.#listener;
    this.#listener = undefined;
    this.#left?.();
    listener?.died(message);
  }
}

/** The file that threads run: beside this one once built, and where it was built to if this is source text. */
function entry(): URL {
  const built = new URL('./engine-thread.js', import.meta.url);
  return existsSync(built) ? built : new URL('../../dist/engine-thread.js', import.meta.url);
}
