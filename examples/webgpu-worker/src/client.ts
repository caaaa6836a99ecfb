import type { Port, Reply, Request, Work } from './messages.js';

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** The worker refused or could not do what it was asked for. */
class WorkerError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'WorkerError';
    this.code = code;
  }
}

/** The main thread's side: asks, and never waits. */
export class DeviceClient {
  readonly #port: Port;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #stopping: Promise<number> | undefined;

  constructor(port: Port) {
    this.#port = port;
    port.listen((reply: Reply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if ('code' in reply) waiting?.reject(new WorkerError(reply.code, reply.message));
      else waiting?.resolve(reply);
    });
  }

  /** Replaces the numbers. They move to the worker: `numbers` is empty afterwards. */
  async load(numbers: Float32Array<ArrayBuffer>): Promise<void> {
    await this.#ask({ kind: 'load', numbers }, [numbers.buffer]);
  }

  /** Multiplies all numbers. */
  async scale(by: number): Promise<void> {
    await this.#ask({ kind: 'scale', by });
  }

  /** Some of the numbers. */
  async read(from: number, count: number): Promise<Float32Array> {
    const reply = await this.#ask({ kind: 'read', from, count });
    return ('numbers' in reply && reply.numbers) || new Float32Array();
  }

  /**
   * Ends the worker's work. What is in flight ends or fails with `CLOSED`. Resolves to the bytes of GPU memory that the device still
   * holds, 0; rejects after `timeoutMs`, when a program does not end: then only ending the page or the process helps.
   */
  stop(timeoutMs = 10_000): Promise<number> {
    return (this.#stopping ??= this.#stop(timeoutMs));
  }

  async #stop(timeoutMs: number): Promise<number> {
    const ended = this.#send({ kind: 'stop' }, []);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const say = () => reject(new WorkerError('TIMEOUT', `the worker did not stop in ${timeoutMs} ms`));
      timer = setTimeout(say, timeoutMs);
    });
    const reply = await Promise.race([ended, late]).finally(() => clearTimeout(timer));
    return ('bytesHeld' in reply && reply.bytesHeld) || 0;
  }

  #ask(work: Work, transfer: ArrayBuffer[] = []): Promise<Reply> {
    if (this.#stopping !== undefined) return Promise.reject(new WorkerError('CLOSED', 'the worker was stopped'));
    return this.#send(work, transfer);
  }

  #send(work: Work, transfer: ArrayBuffer[]): Promise<Reply> {
    const id = ++this.#last;
    const replied = new Promise<Reply>((resolve, reject) => void this.#waiting.set(id, { resolve, reject }));
    this.#port.send({ id, work } satisfies Request, transfer);
    return replied;
  }
}
