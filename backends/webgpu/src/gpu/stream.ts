import type { Ledger } from './ledger.js';
import { MAP_MODE_READ, USAGE } from './usage.js';

/** Bytes written and not known to have arrived, beyond which more has to wait. */
const MOST_IN_FLIGHT = 64 * 2 ** 20;
const LEAST_STAGING = 65_536;
/** Idle read-back buffers kept. */
const MOST_IDLE = 4;

/**
 * The one GPUQueue of a device, in order: what is encoded (copies, clears, dispatches) and what is written directly take
 * effect in the order of the calls here, although WebGPU has two ways to submit them.
 */
export class Stream {
  readonly device: GPUDevice;
  readonly #ledger: Ledger;
  #encoder: GPUCommandEncoder | undefined;
  #inFlight = 0;
  readonly #idle: GPUBuffer[] = [];
  readonly #refuse: (message: string) => void;
  /** Settles when it is known of everything so far whether WebGPU took it. */
  #heard: Promise<unknown> = Promise.resolve();
  #refused = false;

  /** @param refuse is told once, before anything is made of a read-back that came later, that WebGPU refused what it was given */
  constructor(device: GPUDevice, ledger: Ledger, refuse: (message: string) => void) {
    this.device = device;
    this.#ledger = ledger;
    this.#refuse = refuse;
  }

  /** Runs what uses the device, synchronously, and hears what WebGPU finds wrong with it: nobody else's errors, and none of them is missed. */
  guard<T>(act: () => T): T {
    this.device.pushErrorScope('validation');
    try {
      return act();
    } finally {
      const verdict = this.device.popErrorScope().then(
        (error) => {
          if (error === null || this.#refused) return;
          this.#refused = true;
          this.#refuse(error.message);
        },
        // A lost device says so itself.
        () => undefined,
      );
      this.#heard = this.#heard.then(() => verdict);
    }
  }

  /** Where to encode what comes next. */
  get encoder(): GPUCommandEncoder {
    return (this.#encoder ??= this.device.createCommandEncoder());
  }

  /** Whether so much was written that {@link drained} is to be waited for. */
  get full(): boolean {
    return this.#inFlight > MOST_IN_FLIGHT;
  }

  /** Writes `bytes` bytes of `from`, from `at` on, to a buffer. Offset and length are multiples of 4. `from` is free afterwards. */
  write(buffer: GPUBuffer, offset: number, from: ArrayBufferView, at: number, bytes: number): void {
    this.submit();
    this.#inFlight += bytes;
    this.device.queue.writeBuffer(buffer, offset, from.buffer, from.byteOffset + at, bytes);
  }

  /** Reads bytes back: `copy` encodes copies to a buffer that it is given. Resolves to what `use` makes of them once they are there. */
  async readBack<T>(bytes: number, copy: (staging: GPUBuffer) => void, use: (bytes: Uint8Array) => T): Promise<T> {
    const staging = this.#take(bytes);
    copy(staging);
    this.submit();
    const written = this.#inFlight;
    await staging.mapAsync(MAP_MODE_READ, 0, bytes);
    await this.#heard;
    if (this.#refused) throw new Error('what was to be read back was refused');
    this.#inFlight -= written;
    const result = use(new Uint8Array(staging.getMappedRange(0, bytes)));
    staging.unmap();
    this.#give(staging);
    return result;
  }

  /** Submits what was encoded. */
  submit(): void {
    const encoder = this.#encoder;
    if (encoder === undefined) return;
    this.#encoder = undefined;
    this.guard(() => this.device.queue.submit([encoder.finish()]));
  }

  /** Resolves when all that was submitted has been done. */
  async drained(): Promise<void> {
    this.submit();
    const written = this.#inFlight;
    await this.device.queue.onSubmittedWorkDone();
    this.#inFlight -= written;
  }

  #take(bytes: number): GPUBuffer {
    const at = this.#idle.findIndex(
      (buffer) => buffer.size >= bytes && buffer.size <= 4 * Math.max(bytes, LEAST_STAGING),
    );
    if (at >= 0) return this.#idle.splice(at, 1)[0]!;
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, LEAST_STAGING)));
    return this.#ledger.create('read-back', size, USAGE.MAP_READ | USAGE.COPY_DST);
  }

  #give(staging: GPUBuffer): void {
    this.#idle.push(staging);
    if (this.#idle.length > MOST_IDLE) this.#ledger.destroy(this.#idle.shift()!);
  }
}
