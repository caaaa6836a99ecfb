import type { HostFrames } from '@mirrorspace/core/driver';

/** Offset of the first frame in its buffer, so that a device which ignores `offsetOf` is seen. */
const LEAD = 512;
const FRAMES_A_BUFFER = 3;

/** Host frames of a case: several buffers, none starting at a frame, unlike frames that lie one behind the other. */
export class TestFrames implements HostFrames {
  private readonly buffers: Uint8Array[] = [];

  constructor(
    /** Bytes a frame. */
    readonly pageSize: number,
    /** Frames there are, numbered from 0. */
    readonly count: number,
  ) {
    for (let made = 0; made < count; made += FRAMES_A_BUFFER) {
      this.buffers.push(new Uint8Array(LEAD + FRAMES_A_BUFFER * pageSize));
    }
  }

  /** Gives every frame other storage, without what it held: as a host does that gives empty storage back. */
  replaceStorage(): void {
    for (const [i, buffer] of this.buffers.entries()) this.buffers[i] = new Uint8Array(buffer.length);
  }

  bufferOf(frame: number): Uint8Array {
    const buffer = this.buffers[Math.floor(frame / FRAMES_A_BUFFER)];
    if (!buffer || frame >= this.count) throw new RangeError(`host frame ${frame} of ${this.count} does not exist`);
    return buffer;
  }

  offsetOf(frame: number): number {
    return LEAD + (frame % FRAMES_A_BUFFER) * this.pageSize;
  }

  /** The bytes of one frame, not a copy. */
  bytesOf(frame: number): Uint8Array {
    const start = this.offsetOf(frame);
    return this.bufferOf(frame).subarray(start, start + this.pageSize);
  }
}

/** Bytes in which every seed and every offset looks different. */
export function pattern(seed: number, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) >>> 0;
  for (let i = 0; i < bytes; i++) {
    if ((i & 3) === 0) state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[i] = state >>> (8 * (i & 3));
  }
  return out;
}

/** Numbers in [0, 1) that depend on the seed alone (xorshift32: Marsaglia, "Xorshift RNGs", 2003). */
export function createRng(seed: number): () => number {
  let state = (seed ^ 0x2545f491) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state = (state ^ (state << 5)) >>> 0;
    return state / 2 ** 32;
  };
}
