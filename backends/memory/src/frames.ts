import { MirrorError } from '@mirrorspace/core/driver';

const LARGEST_SLAB = 2 * 1024 * 1024;

/** What a discarded frame is filled with. */
export const POISON = 0xdb;

/** A run of device memory, seen in every width that programs use. */
export interface Slab {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
}

function createSlab(bytes: number): Slab {
  const buffer = new ArrayBuffer(bytes);
  return {
    u8: new Uint8Array(buffer),
    i32: new Int32Array(buffer),
    u32: new Uint32Array(buffer),
    f32: new Float32Array(buffer),
    f64: new Float64Array(buffer),
  };
}

/** One slab of zeros a size, shared by all devices and never written. */
const zeros = new Map<number, Slab>();

function zeroSlab(bytes: number): Slab {
  let slab = zeros.get(bytes);
  if (slab === undefined) zeros.set(bytes, (slab = createSlab(bytes)));
  return slab;
}

/**
 * Device memory in frames of the smallest page size. Storage comes in slabs when something other than zero is first
 * written, so a frame that was never touched costs nothing. A frame of any page size lies within one slab.
 */
export class FramePool {
  readonly frameBytes: number;
  /** `frame >>> slabShift` is the slab of a frame, `frame & slabMask` its place there. */
  readonly slabShift: number;
  readonly slabMask: number;
  /** Reads of a slab without storage see the common slab of zeros. */
  readonly slabs: Slab[];
  readonly #zero: Slab;
  readonly #device: string;

  /** Sizes in bytes; `largest` is the largest page size. */
  constructor(device: string, memory: number, frameBytes: number, largest: number) {
    let bytes = Math.max(largest, frameBytes);
    while (bytes < memory && bytes < LARGEST_SLAB) bytes *= 2;
    this.frameBytes = frameBytes;
    this.slabShift = Math.log2(bytes / frameBytes);
    this.slabMask = bytes / frameBytes - 1;
    this.#device = device;
    this.#zero = zeroSlab(bytes);
    this.slabs = new Array<Slab>(Math.ceil(memory / bytes)).fill(this.#zero);
  }

  /** The slab of a frame, with storage: for writing. */
  writable(frame: number): Slab {
    const index = frame >>> this.slabShift;
    const slab = this.slabs[index]!;
    return slab === this.#zero ? this.#allocate(index) : slab;
  }

  /** Byte offset of a frame in its slab. */
  offsetOf(frame: number): number {
    return (frame & this.slabMask) * this.frameBytes;
  }

  /** Sets `bytes` bytes of a frame to one value, from the byte `from` of it. */
  fill(frame: number, from: number, bytes: number, value: number): void {
    if (value === 0 && this.slabs[frame >>> this.slabShift] === this.#zero) return;
    const start = this.offsetOf(frame) + from;
    this.writable(frame).u8.fill(value, start, start + bytes);
  }

  /** Bytes of storage in use. */
  get storedBytes(): number {
    let bytes = 0;
    for (const slab of this.slabs) if (slab !== this.#zero) bytes += slab.u8.length;
    return bytes;
  }

  /** Gives all storage back; every frame reads as zeros. */
  clear(): void {
    this.slabs.fill(this.#zero);
  }

  #allocate(index: number): Slab {
    try {
      return (this.slabs[index] = createSlab(this.#zero.u8.length));
    } catch (cause) {
      throw new MirrorError(
        'OUT_OF_DEVICE_MEMORY',
        `The host has no ${this.#zero.u8.length} bytes left to hold the memory of ${this.#device}. Open the device with less memory.`,
        { device: this.#device, cause },
      );
    }
  }
}
