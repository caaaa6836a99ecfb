import { MirrorError } from '@mirrorspace/core/driver';
import type { Ledger } from './gpu/ledger.js';
import { USAGE } from './gpu/usage.js';

/** How frames lie in buffers. */
export interface PoolShape {
  /**
   * Bytes before the first frame: accesses to what is not there go to the first page of them, since what an empty entry says is 0. As many as
   * the largest page has, so that no page lies across two buffers.
   */
  readonly sinkBytes: number;
  /** Bytes of all buffers. */
  readonly bytes: number;
  /** Bytes a buffer, but for the last: a power of two where there are several. */
  readonly bufferBytes: number;
  /** Number of buffers. */
  readonly buffers: number;
}

/**
 * Spreads `memory` bytes of frames over as many buffers as it takes.
 * @param sinkBytes bytes of the largest page
 * @throws MirrorError `UNSUPPORTED` beyond what `storageBuffers` bindings can show
 */
export function poolShape(
  memory: number,
  sinkBytes: number,
  largestBuffer: number,
  storageBuffers: number,
  limits: GPUSupportedLimits,
): PoolShape {
  const most = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize, largestBuffer);
  const bytes = sinkBytes + memory;
  if (bytes <= most) return { sinkBytes, bytes, bufferBytes: bytes, buffers: 1 };
  const bufferBytes = 2 ** Math.floor(Math.log2(most));
  const buffers = Math.ceil(bytes / bufferBytes);
  if (buffers <= storageBuffers) return { sinkBytes, bytes, bufferBytes, buffers };
  throw new MirrorError(
    'UNSUPPORTED',
    `${memory} bytes of device memory need ${buffers} buffers of ${bufferBytes}; this adapter lets a program see ${storageBuffers}, so ${storageBuffers * bufferBytes - sinkBytes} bytes are the most`,
  );
}

/** The frames of a device: their bytes, in one or several buffers. */
export class FramePool {
  readonly shape: PoolShape;
  readonly buffers: readonly GPUBuffer[];

  constructor(ledger: Ledger, shape: PoolShape) {
    this.shape = shape;
    const { bytes, bufferBytes } = shape;
    const usage = USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST;
    this.buffers = Array.from({ length: shape.buffers }, (_, i) =>
      ledger.create('frames', Math.min(bufferBytes, bytes - i * bufferBytes), usage),
    );
  }

  /** Where a frame begins in the pool, in bytes. */
  at(frame: number, pageSize: number): number {
    return this.shape.sinkBytes + frame * pageSize;
  }

  /** The buffer that holds the byte at `at` of the pool. */
  bufferAt(at: number): GPUBuffer {
    return this.buffers[Math.floor(at / this.shape.bufferBytes)]!;
  }

  /** Where that byte is in its buffer. */
  offsetAt(at: number): number {
    return at % this.shape.bufferBytes;
  }
}
