import type { ByteSource } from './source.js';

/**
 * Frames that are a source's own bytes, such as pages of a file in the system's page cache: nothing is copied, and what is written to one is
 * written to the source. All calls are synchronous.
 */
export interface SourceFrames {
  /**
   * Takes frames for `count` pages of a source from page `page` on, in that order; core reads them once, so that they are in memory, before it looks at any. They are
   * in use until they are freed. `undefined` where it cannot: core reads them into frames of its own then, and writes them back.
   * @throws MirrorError `OUT_OF_HOST_MEMORY` beyond the limit; none is taken then
   */
  map(source: ByteSource, page: number, count: number): Uint32Array | undefined;
  /**
   * Parts `count` frames that follow each other, none of them beyond the next multiple of `LIVE_BLOCK`, from their source, all or none: they keep their
   * numbers and bytes, which are nobody else's from then on.
   * @throws MirrorError `OUT_OF_HOST_MEMORY`
   */
  part(first: number, count: number): void;
}
