import type { Ledger } from './ledger.js';
import type { Stream } from './stream.js';
import type { UploadList } from './upload-list.js';
import { MAP_MODE_WRITE, USAGE } from './usage.js';

const BUFFERS = 4;

/** Uploads by way of a few mapped buffers: bytes are copied there, and by the GPU from there to where they belong. */
export class StagingRing {
  /** Bytes of one buffer. */
  readonly chunk: number;
  readonly #ledger: Ledger;
  readonly #stream: Stream;
  /** Mapped, and free to be written. */
  readonly #free: GPUBuffer[] = [];
  #made = 0;
  /** Buffers that are being mapped again, the longest first. */
  readonly #coming: Promise<void>[] = [];

  constructor(ledger: Ledger, stream: Stream, chunk: number) {
    this.#ledger = ledger;
    this.#stream = stream;
    this.chunk = chunk;
  }

  /** Writes all of a list; resolves when nothing of its sources is needed any more. */
  async upload(list: UploadList): Promise<void> {
    let at = 0;
    let done = 0;
    while (at < list.length) {
      const buffer = this.#free.pop() ?? (await this.#next());
      const bytes = new Uint8Array(buffer.getMappedRange());
      const copies: number[] = [];
      let used = 0;
      while (at < list.length && used < this.chunk) {
        const length = Math.min(list.lengths[at]! - done, this.chunk - used);
        const from = list.starts[at]! + done;
        bytes.set(list.sources[at]!.subarray(from, from + length), used);
        copies.push(at, done, used, length);
        used += length;
        done += length;
        if (done < list.lengths[at]!) break;
        at++;
        done = 0;
      }
      buffer.unmap();
      const { encoder } = this.#stream;
      for (let i = 0; i < copies.length; i += 4) {
        const entry = copies[i]!;
        encoder.copyBufferToBuffer(
          buffer,
          copies[i + 2]!,
          list.targets[entry]!,
          list.offsets[entry]! + copies[i + 1]!,
          copies[i + 3],
        );
      }
      this.#stream.submit();
      this.#giveBack(buffer);
    }
  }

  /** A buffer that can be written: a new one, or the next that is mapped again. */
  async #next(): Promise<GPUBuffer> {
    if (this.#made < BUFFERS) {
      this.#made++;
      const usage = USAGE.MAP_WRITE | USAGE.COPY_SRC;
      return this.#ledger.create('upload ring', this.chunk, usage, true);
    }
    for (let buffer = this.#free.pop(); ; buffer = this.#free.pop()) {
      if (buffer !== undefined) return buffer;
      const coming = this.#coming.shift();
      if (coming === undefined) throw new Error('the buffers for uploads are gone');
      await coming;
    }
  }

  #giveBack(buffer: GPUBuffer): void {
    const mapped = buffer.mapAsync(MAP_MODE_WRITE).then(() => void this.#free.push(buffer));
    // It fails if the device is closed or lost, which those who wait are told of by other means.
    mapped.catch(() => undefined);
    this.#coming.push(mapped);
    while (this.#coming.length > BUFFERS) void this.#coming.shift();
  }
}
