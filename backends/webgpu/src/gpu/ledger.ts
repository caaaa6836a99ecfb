/** What a device holds of GPU memory, by what it is for. */
export interface LedgerEntry {
  /** What the buffers are for. */
  readonly use: string;
  /** Buffers held. */
  readonly buffers: number;
  /** Bytes they take. */
  readonly bytes: number;
}

/** Creates every buffer of a device and knows them all, so that closing it leaves none behind. */
export class Ledger {
  /** Bytes of all buffers. */
  bytes = 0;
  readonly #device: GPUDevice;
  readonly #uses = new Map<GPUBuffer, string>();
  #closed = false;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** A buffer of `size` bytes for a use. WebGPU reports a failure later; see `scoped`. */
  create(use: string, size: number, usage: GPUBufferUsageFlags, mappedAtCreation = false): GPUBuffer {
    const buffer = this.#device.createBuffer({ label: `mirrorspace ${use}`, size, usage, mappedAtCreation });
    // The device may be lost by now, for want of memory for this very buffer.
    if (this.#closed) {
      buffer.destroy();
      return buffer;
    }
    this.#uses.set(buffer, use);
    this.bytes += size;
    return buffer;
  }

  /** Gives a buffer back. */
  destroy(buffer: GPUBuffer): void {
    if (!this.#uses.delete(buffer)) return;
    this.bytes -= buffer.size;
    buffer.destroy();
  }

  /** What is held, greatest first. */
  entries(): readonly LedgerEntry[] {
    const totals = new Map<string, { use: string; buffers: number; bytes: number }>();
    for (const [buffer, use] of this.#uses) {
      const total = totals.get(use) ?? { use, buffers: 0, bytes: 0 };
      total.buffers++;
      total.bytes += buffer.size;
      totals.set(use, total);
    }
    return [...totals.values()].sort((a, b) => b.bytes - a.bytes);
  }

  /** Gives everything back, and what is made from now on as well. */
  close(): void {
    this.#closed = true;
    for (const buffer of [...this.#uses.keys()]) this.destroy(buffer);
  }
}
