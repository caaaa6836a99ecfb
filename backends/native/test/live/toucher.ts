import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const CODE = `
const { parentPort, workerData } = require('node:worker_threads');
const words = new Uint32Array(workerData);
parentPort.on('message', ({ id, at, value }) => {
  if (value !== undefined) for (const i of at) words[i] = value;
  parentPort.postMessage({ id, found: value === undefined ? at.map((i) => words[i]) : [] });
});`;

/** A thread that does plain loads and stores when it is told to, in that order. */
export class Toucher implements AsyncDisposable {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, (found: number[]) => void>();
  private last = 0;

  private constructor(buffer: SharedArrayBuffer) {
    this.worker = new Worker(CODE, { eval: true, workerData: buffer });
    this.worker.on('message', ({ id, found }: { id: number; found: number[] }) => {
      this.waiting.get(id)!(found);
      this.waiting.delete(id);
    });
  }

  static async start(buffer: SharedArrayBuffer): Promise<Toucher> {
    const toucher = new Toucher(buffer);
    await once(toucher.worker, 'online');
    return toucher;
  }

  /** What words are. */
  load(at: readonly number[]): Promise<number[]> {
    return this.ask({ at });
  }

  /** Makes words a value. */
  async store(at: readonly number[], value: number): Promise<void> {
    await this.ask({ at, value });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.terminate();
  }

  private ask(message: { at: readonly number[]; value?: number }): Promise<number[]> {
    const id = ++this.last;
    this.worker.postMessage({ id, ...message });
    return new Promise((resolve) => void this.waiting.set(id, resolve));
  }
}
