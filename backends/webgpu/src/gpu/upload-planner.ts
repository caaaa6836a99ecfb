/** How bytes reach the GPU: `write`: a `writeBuffer` each; `ring`: by way of mapped buffers. */
export type UploadWay = 'write' | 'ring';

const WAYS: readonly UploadWay[] = ['write', 'ring'];
/** Times each way is tried before one is chosen. */
const TRIES = 3;
/** Uploads that are too small to learn from, or to choose for. */
const LEAST = 256 * 1024;
/** Mean bytes of a piece from which on the bytes count more than the pieces. */
const LARGE = 65_536;

/** What is known about one kind of upload. */
interface Record {
  /** Least milliseconds a byte seen by way; `Infinity` where not tried. */
  readonly best: { [way in UploadWay]: number };
  readonly tries: { [way in UploadWay]: number };
}

/**
 * Chooses how to upload. Which way is faster depends on the adapter, its driver, and whether pieces are small or large: so both are tried on what
 * is uploaded anyway, a few times each, and the faster one is taken from then on.
 */
export class UploadPlanner {
  readonly #small = fresh();
  readonly #large = fresh();

  /** The way for an upload of some pieces, and whether it is to be timed. */
  choose(bytes: number, pieces: number): { readonly way: UploadWay; readonly timed: boolean } {
    if (bytes < LEAST) return { way: 'write', timed: false };
    const { best, tries } = this.#recordOf(bytes, pieces);
    const untried = WAYS.find((way) => tries[way] < TRIES);
    if (untried !== undefined) return { way: tries.write <= tries.ring ? 'write' : 'ring', timed: true };
    return { way: best.write <= best.ring ? 'write' : 'ring', timed: false };
  }

  /** Notes how long an upload took from its beginning until it was done on the GPU, in milliseconds. */
  note(bytes: number, pieces: number, way: UploadWay, ms: number): void {
    const { best, tries } = this.#recordOf(bytes, pieces);
    tries[way]++;
    best[way] = Math.min(best[way], ms / bytes);
  }

  #recordOf(bytes: number, pieces: number): Record {
    return bytes / pieces < LARGE ? this.#small : this.#large;
  }
}

function fresh(): Record {
  return { best: { write: Infinity, ring: Infinity }, tries: { write: 0, ring: 0 } };
}
