import type { HostFrames } from '../driver/index.js';
import type { PageTracker } from '../tracking/index.js';

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
}
