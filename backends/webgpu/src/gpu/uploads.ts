import type { Ledger } from './ledger.js';
import { StagingRing } from './staging-ring.js';
import type { Stream } from './stream.js';
import { UploadList } from './upload-list.js';
import { UploadPlanner, type UploadWay } from './upload-planner.js';

/** Writes lists of bytes to buffers, in whichever way is faster here. */
export class Uploads {
  readonly #stream: Stream;
  readonly #ring: StagingRing;
  readonly #planner = new UploadPlanner();
  /** One upload at a time. */
  readonly #list = new UploadList();

  /** @param chunk bytes of one buffer of the ring that large uploads may go through */
  constructor(ledger: Ledger, stream: Stream, chunk: number) {
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
    const { way, timed } = this.#planner.choose(bytes, length);
    return timed ? this.#timed(way) : this.#by(way);
  }

  #by(way: UploadWay): Promise<void> | undefined {
    const list = this.#list;
    if (way === 'ring') return this.#ring.upload(list);
    for (let i = 0; i < list.length; i++)
      this.#stream.write(list.targets[i]!, list.offsets[i]!, list.sources[i]!, list.starts[i]!, list.lengths[i]!);
    return undefined;
  }

  async #timed(way: UploadWay): Promise<void> {
    const { bytes, length } = this.#list;
    await this.#stream.drained();
    const start = performance.now();
    await this.#by(way);
    await this.#stream.drained();
    this.#planner.note(bytes, length, way, performance.now() - start);
  }
}
