/** How bytes reach the GPU: `write`: a `writeBuffer` each; `ring`: by way of mapped buffers. */
export type UploadWay = 'write' | 'ring';

/** Mean bytes of a piece from which on the bytes count more than the pieces. */
const LARGE = 262_144;

/** Which way uploads of small pieces and of large ones take. */
export class UploadPlanner {
  #small: UploadWay = 'write';
  #large: UploadWay = 'write';

  /** The way for an upload of some pieces. */
  choose(bytes: number, pieces: number): UploadWay {
    return bytes / pieces < LARGE ? this.#small : this.#large;
  }

  /** Finds out which way is faster: `measure` uploads pieces of some bytes in a way, and resolves to the milliseconds that took. */
  async calibrate(measure: (pieceBytes: number, way: UploadWay) => Promise<number>): Promise<void> {
    const faster = async (pieceBytes: number) => {
      const write = await measure(pieceBytes, 'write');
      return write <= (await measure(pieceBytes, 'ring')) ? 'write' : 'ring';
    };
    this.#small = await faster(4096);
    this.#large = await faster(2 ** 20);
  }
}
