import type { Ledger } from './ledger.js';
import { StagingRing } from './staging-ring.js';
import type { Stream } from './stream.js';
import { UploadList } from './upload-list.js';
import { UploadPlanner, type UploadWay } from './upload-planner.js';
import { USAGE } from './usage.js';

/** Bytes after which it pays to find out which way is faster. */
const LEARN_AFTER = 32 * 2 ** 20;

/** Writes lists of bytes to buffers, in whichever way is faster on this adapter: that is measured once, when much was uploaded. */
export class Uploads {
  readonly #stream: Stream;
  readonly #ledger: Ledger;
  readonly #ring: StagingRing;
  readonly #planner = new UploadPlanner();
  /** One upload at a time. */
  readonly #list = new UploadList();
  /** Bytes until the ways are measured. */
  #left = LEARN_AFTER;

  /** @param chunk bytes of one buffer of the ring that uploads may go through */
  constructor(ledger: Ledger, stream: Stream, chunk: number) {
    this.#ledger = ledger;
    this.#stream = stream;
    this.#ring = new StagingRing(ledger, stream, chunk);
  }

  /** An empty list to fill. */
  begin(): UploadList {
    this.#list.clear();
    return this.#list;
  }

  /** Writes all of the list, after what was encoded before and before what comes after. A promise where something has to be waited for. */
  upload(): Promise<void> | undefined {
    const { bytes, length } = this.#list;
    if (length === 0) return undefined;
    const work = this.#by(this.#planner.choose(bytes, length), this.#list);
    if (this.#left <= 0) return work;
    this.#left -= bytes;
    if (this.#left > 0) return work;
    return this.#learn();
  }

  #by(way: UploadWay, list: UploadList): Promise<void> | undefined {
    if (way === 'ring') return this.#ring.upload(list);
    for (let i = 0; i < list.length; i++)
      this.#stream.write(list.targets[i]!, list.offsets[i]!, list.sources[i]!, list.starts[i]!, list.lengths[i]!);
    return undefined;
  }

  async #learn(): Promise<void> {
    const bytes = this.#ring.chunk;
    const target = this.#ledger.create('calibration', bytes, USAGE.COPY_DST | USAGE.COPY_SRC);
    const used = this.#ledger.create('calibration', 4, USAGE.COPY_DST);
    // Buffers that the GPU never used may be written in a quicker way.
    this.#stream.encoder.copyBufferToBuffer(target, 0, used, 0, 4);
    const source = new Uint8Array(bytes);
    await this.#planner.calibrate(bytes, async ({ pieces, pieceBytes, times }, way) => {
      const list = new UploadList();
      for (let i = 0; i < pieces; i++) list.add(target, i * pieceBytes, source, i * pieceBytes, pieceBytes);
      await this.#stream.drained();
      const start = performance.now();
      for (let i = 0; i < times; i++) await this.#by(way, list);
      await this.#stream.drained();
      return performance.now() - start;
    });
    this.#ledger.destroy(target);
    this.#ledger.destroy(used);
  }
}
