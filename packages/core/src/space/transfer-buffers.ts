/** Most bytes that one read of a source asks for, and one write gives it. */
export const TRANSFER_BYTES = 1 << 20;

/** Idle buffers kept. */
const MOST_IDLE = 8;

/** Buffers for pages that do not lie side by side, used again and again. */
export class TransferBuffers {
  private readonly idle: Uint8Array[] = [];

  /** A buffer of at least `bytes` bytes, with whatever was in it. */
  take(bytes: number): Uint8Array {
    if (bytes > TRANSFER_BYTES) return new Uint8Array(bytes);
    return this.idle.pop() ?? new Uint8Array(TRANSFER_BYTES);
  }

  /** Gives a buffer back that nobody uses any more. */
  give(buffer: Uint8Array): void {
    if (buffer.length === TRANSFER_BYTES && this.idle.length < MOST_IDLE) this.idle.push(buffer);
  }
}
