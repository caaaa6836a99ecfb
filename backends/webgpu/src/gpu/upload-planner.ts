/** How bytes reach the GPU: `write`: a `writeBuffer` each; `ring`: by way of mapped buffers. */
export type UploadWay = 'write' | 'ring';

const WAYS = ['write', 'ring'] as const;
/** Times that each is measured: the quickest counts, which nothing else disturbed. */
const TRIES = 3;
/** What is measured: many pieces of a page, and few that are large, several times without waiting: what staging costs shows only then. */
const SMALL = { pieces: 512, pieceBytes: 4096 };
const LARGE_PIECES = 8;
const LARGE_TIMES = 4;

/** Pieces that are uploaded `times` times in a row. */
export interface UploadTrial {
  readonly pieces: number;
  readonly pieceBytes: number;
  readonly times: number;
}

/** Milliseconds a piece, and a byte. */
interface Cost {
  readonly piece: number;
  readonly byte: number;
}

/** Which way uploads take: the one that is quicker by what pieces and bytes cost on this adapter. */
export class UploadPlanner {
  #costs: Readonly<Record<UploadWay, Cost>> | undefined;

  /** The way for an upload of some pieces; `write` until it is known what they cost. */
  choose(bytes: number, pieces: number): UploadWay {
    if (this.#costs === undefined) return 'write';
    const { write, ring } = this.#costs;
    return pieces * write.piece + bytes * write.byte <= pieces * ring.piece + bytes * ring.byte ? 'write' : 'ring';
  }

  /**
   * Finds out what they cost: `measure` does a trial in a way, and resolves to the milliseconds until the GPU had everything.
   * @param bytes most bytes of one upload
   */
  async calibrate(bytes: number, measure: (trial: UploadTrial, way: UploadWay) => Promise<number>): Promise<void> {
    const pieces = Math.min(SMALL.pieces, bytes / SMALL.pieceBytes);
    const small = { write: Infinity, ring: Infinity };
    const large = { write: Infinity, ring: Infinity };
    // In turns: what disturbs one disturbs the other. The first times do what is only done once.
    for (let i = -1; i < TRIES; i++) {
      for (const way of WAYS) {
        const few = await measure({ pieces, pieceBytes: SMALL.pieceBytes, times: 1 }, way);
        const much = await measure({ pieces: LARGE_PIECES, pieceBytes: bytes / LARGE_PIECES, times: LARGE_TIMES }, way);
        if (i < 0) continue;
        small[way] = Math.min(small[way], few);
        large[way] = Math.min(large[way], much / LARGE_TIMES);
      }
    }
    const cost = (way: UploadWay) => costOf(pieces, pieces * SMALL.pieceBytes, small[way], bytes, large[way]);
    this.#costs = { write: cost('write'), ring: cost('ring') };
  }
}

/** Solves for what explains both times. */
function costOf(pieces: number, smallBytes: number, small: number, largeBytes: number, large: number): Cost {
  const determinant = pieces * largeBytes - LARGE_PIECES * smallBytes;
  return {
    piece: Math.max(0, (small * largeBytes - large * smallBytes) / determinant),
    byte: Math.max(0, (pieces * large - LARGE_PIECES * small) / determinant),
  };
}
