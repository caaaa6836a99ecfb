import type { CopyInCommand, CopyOutCommand } from '@mirrorspace/core/driver';
import { BIT_DIRTY, ZERO_FRAME } from '@mirrorspace/core/driver';
import type { MessagePort } from 'node:worker_threads';
import { HOST_BYTES, ZEROS } from './mail.js';

/** How many shared buffers a device can know: their numbers and places in them fit one number. */
const MOST_BUFFERS = 8192;

/** A shared buffer, by the number that copies name it by. */
export interface BufferMessage {
  readonly number: number;
  readonly buffer: SharedArrayBuffer;
}

/** The shared buffers that host frames lie in. The engine's thread can reach into them, since they can neither move nor be detached. */
export class HostBuffers {
  readonly #port: MessagePort;
  readonly #numbers = new WeakMap<SharedArrayBuffer, number>();
  #known = 0;

  /** @param port brings buffers to the engine's thread, before it is sent the first copy that names them */
  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** Where the frames of a copy are, those that are to be copied at all, and how many; `undefined` where one is not in shared memory. */
  places({ kind, host, hostFrames, frames, count, ...rest }: CopyInCommand | CopyOutCommand): Places | undefined {
    const places = new Float64Array(count);
    const to = new Uint32Array(count);
    const when = 'when' in rest ? rest.when : undefined;
    let listed = 0;
    for (let i = 0; i < count; i++) {
      if (when !== undefined && (when[i]! & BIT_DIRTY) === 0) continue;
      const place = hostFrames[i] === ZERO_FRAME && kind === 'copyIn' ? ZEROS : this.#place(host, hostFrames[i]!);
      if (place === undefined) return undefined;
      places[listed] = place;
      to[listed++] = frames[i]!;
    }
    return { places, frames: to, count: listed };
  }

  #place(host: CopyInCommand['host'], frame: number): number | undefined {
    const bytes = host.bufferOf(frame);
    const buffer: unknown = bytes?.buffer;
    const offset = host.offsetOf(frame);
    // What does not lie in its buffer, the host's own copy refuses.
    if (!(buffer instanceof SharedArrayBuffer) || !(offset >= 0 && offset + host.pageSize <= bytes.length))
      return undefined;
    let number = this.#numbers.get(buffer);
    if (number === undefined) {
      if (this.#known === MOST_BUFFERS) return undefined;
      this.#numbers.set(buffer, (number = this.#known++));
      this.#port.postMessage({ number, buffer } satisfies BufferMessage);
    }
    return number * HOST_BYTES + bytes.byteOffset + offset;
  }
}

/** Frames of a copy, and where each is on the host. */
export interface Places {
  readonly places: Float64Array;
  readonly frames: Uint32Array;
  readonly count: number;
}
