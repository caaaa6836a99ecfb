import { MirrorError } from '@mirrorspace/core/driver';
import type { Ledger } from './gpu/ledger.js';
import { USAGE } from './gpu/usage.js';

/** How frames lie in buffers. */
export interface PoolShape {
  /** Bytes of all frames. Behind them lies a page for accesses to what is not there. */
  readonly memory: number;
  /** Bytes of all buffers. */
  readonly bytes: number;
  /** Bytes a buffer, but for the last: a power of two where there are several. */
  readonly bufferBytes: number;
  /** Number of buffers. */
  readonly buffers: number;
}

/** Spreads `memory` bytes, and a page more, over as many buffers as it takes. @throws MirrorError `UNSUPPORTED` beyond what `storageBuffers` bindings can show */
export function poolShape(
  memory: number,
  pageBytes: number,
  largestBuffer: number,
  storageBuffers: number,
  limits: GPUSupportedLimits,
): PoolShape {
  const most = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize, largestBuffer);
  const bytes = memory + pageBytes;
  if (bytes <= most) return { memory, bytes, bufferBytes: bytes, buffers: 1 };
  const bufferBytes = 2 ** Math.floor(Math.log2(most));
  const buffers = Math.ceil(bytes / bufferBytes);
  if (buffers <= storageBuffers) return { memory, bytes, bufferBytes, buffers };
  throw new MirrorError(
    'UNSUPPORTED',
    `${memory} bytes of device memory need ${buffers} buffers of ${bufferBytes}; this adapter lets a program see ${storageBuffers}, so ${storageBuffers * bufferBytes - pageBytes} bytes are the most`,
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

  /** The buffer that holds the byte at `at` of the pool. */
  bufferAt(at: number): GPUBuffer {
    return this.buffers[Math.floor(at / this.shape.bufferBytes)]!;
  }

  /** Where that byte is in its buffer. */
  offsetAt(at: number): number {
    return at % this.shape.bufferBytes;
  }
}
