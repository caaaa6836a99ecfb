import type { HostFrames } from '../driver/index.js';
import type { PageTracker } from '../tracking/index.js';
import type { LiveMemory } from './live-memory.js';
import type { SourceFrames } from './source-frames.js';

/** An emptying of storage that few frames keep; it goes on until `end`. */
export interface HostCompaction {
  /** Frames in use whose contents are to move, those of the emptiest storage first; a snapshot. None of their neighbours is given out meanwhile. */
  readonly frames: Uint32Array;
  /** Takes a frame, with storage, for the contents of one of them, which is to be freed in the same turn: the limit does not count it. -1: there is none. */
  take(): number;
  /** Ends it: what was not emptied is used again. Returns the bytes of storage that were given back. */
  end(): number;
}

/**
 * Where pages live on the host: numbered frames of one size and their bytes. Managed memory (typed arrays that core owns)
 * is the default; a native backend may bring memory that the operating system tracks.
 * Frame numbers stay below 2^30. A new frame reads as zeros after {@link zero}.
 */
export interface HostMemory extends HostFrames {
  /** `managed`: typed arrays that core owns. `native`: memory of the process that the operating system tracks. */
  readonly kind: 'managed' | 'native';
  /** Most bytes of frames that may be in use. */
  readonly limit: number;
  /** Knows which frames the CPU wrote. */
  readonly tracker: PageTracker;
  /** Frames in use. */
  readonly used: number;
  /** Metadata in bytes, the frames themselves not counted. */
  readonly metadataBytes: number;
  /**
   * Takes `count` frames with consecutive numbers and returns the first. Their bytes are undefined.
   * @throws MirrorError `OUT_OF_HOST_MEMORY` beyond the limit; nothing is taken then
   */
  allocate(count: number): number;
  /** Gives a frame back. */
  free(frame: number): void;
  /** Makes a frame's bytes zero. Only for frames that hold no content yet: what is known to be zero since `allocate` may be left as it is. */
  zero(frame: number): void;
  /** Makes sure that `count` consecutive frames have storage, contiguous where that is still possible. @throws MirrorError `OUT_OF_HOST_MEMORY` */
  commit(first: number, count: number): void;
  /** The bytes of `count` consecutive frames as one array without copying, or `undefined` where they are not contiguous. */
  view(first: number, count: number): Uint8Array | undefined;
  /** Frames whose bytes are in memory now. Absent: all that are in use. */
  readonly inMemory?: number;
  /**
   * Takes the bytes of frames out of memory by the system's own means, such as MADV_PAGEOUT; resolves to how many left. The frames
   * stay what they are, and whoever accesses one finds its bytes again. Where it is there, reclaim needs no swap store and uses none.
   */
  pageOut?(frames: readonly number[]): Promise<number>;
  /** Frames that plain loads and stores of the process reach. Absent where memory is reached by holds only. */
  readonly live?: LiveMemory;
  /** Pages of sources themselves, as frames. Absent: core reads sources into frames, and writes them back. */
  readonly sources?: SourceFrames;
  /** Begins to empty sparsely used storage, one at a time. Absent where nothing is gained by moving contents to other frames. */
  beginCompaction?(): HostCompaction;
}
