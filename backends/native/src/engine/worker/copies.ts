import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { BufferMessage } from '../host-buffers.js';
import { COMMAND, HOST_BYTES, listsAt, OP, ZEROS } from '../mail.js';
import type { Shared } from '../shared.js';

/** Copies between shared memory of the host and frames. */
export class Copies {
  readonly #shared: Shared;
  readonly #port: MessagePort;
  readonly #buffers: Uint8Array[] = [];

  /** @param port brings buffers before the first copy that names them */
  constructor(shared: Shared, port: MessagePort) {
    this.#shared = shared;
    this.#port = port;
  }

  run(at: number, op: number): void {
    const { words, floats, pool, shape } = this.#shared;
    const count = words[(at >>> 2) + COMMAND.count]!;
    const pageBytes = 2 ** (shape.pageShift + shape.sizeShifts[words[(at >>> 2) + COMMAND.size]!]!);
    const lists = listsAt(at, count);
    for (let i = 0; i < count; i++) {
      const frame = words[(lists.frames >>> 2) + i]! * pageBytes;
      const place = floats[(lists.pages >>> 3) + i]!;
      if (place === ZEROS) {
        pool.fill(0, frame, frame + pageBytes);
        continue;
      }
      const number = Math.floor(place / HOST_BYTES);
      const offset = place - number * HOST_BYTES;
      const host = this.#buffer(number);
      if (op === OP.copyIn) pool.set(host.subarray(offset, offset + pageBytes), frame);
      else host.set(pool.subarray(frame, frame + pageBytes), offset);
    }
  }

  #buffer(number: number): Uint8Array {
    for (let known = this.#buffers[number]; ; known = this.#buffers[number]) {
      if (known !== undefined) return known;
      const received = receiveMessageOnPort(this.#port) as { message: BufferMessage } | undefined;
      if (received === undefined) throw new Error('a buffer of the host did not arrive');
      this.#buffers[received.message.number] = new Uint8Array(received.message.buffer);
    }
  }
}
