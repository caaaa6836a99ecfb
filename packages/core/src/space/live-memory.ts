import type { IdList } from '../address/index.js';

/**
 * Places whose frames have neighbouring numbers: those from a multiple of it to the next, if they are of one range, and those numbers begin at a
 * multiple of it, too. No other range has frames among them.
 */
export const LIVE_BLOCK = 64;

/**
 * A run of places that plain loads and stores of the process reach, at one address for as long as it is open: its page `i` is at place
 * `first + i`. A page gets a frame when it is `take`n, so numbers of frames stay small however large ranges are. Arrays over its buffers stay
 * valid until it is closed.
 */
export interface LiveRange {
  /** Its first place, from 2^30 on: no frame has that number. */
  readonly first: number;
  /** Places it has. */
  readonly count: number;
  /** Where the process sees its first byte, below 2^47. */
  readonly address: number;
  /**
   * A part of its bytes, from `offset`, 1 byte to 4 GiB. `shared`: a SharedArrayBuffer, which other threads can be given.
   * @throws RangeError for what is no part of it; MirrorError `UNSUPPORTED` where the engine has no such buffers, `CLOSED`
   */
  buffer(offset: number, bytes: number, shared: boolean): ArrayBufferLike;
  /** Ends it: ArrayBuffers are detached, SharedArrayBuffers read as zeros; its frames are free, all in one step. Idempotent. */
  close(): void;
}

/** An access that waits for a page that was withheld. */
export interface LiveFault {
  /** The frame; where the place has none, the place. */
  readonly frame: number;
  /** Whether it is a store. */
  readonly write: boolean;
}

/**
 * Host frames that the process accesses plainly, as its own memory, and the system's means to see and stop that. All calls but `onFault`
 * are synchronous, and none allocates in steady state. A place that was never touched reads as zeros. All calls, and those of the host memory,
 * take frames and places alike, as names of the same bytes.
 */
export interface LiveMemory {
  /** Whether accesses can be stopped. Where they cannot, core maps no live regions: `withhold` throws. */
  readonly stops: boolean;
  /**
   * The pages are the process's own: the system moves them as it likes, and devices that mirror the process's page table use them at the
   * process's addresses. Managed devices cannot, and nothing is ever withheld. Default false.
   */
  readonly mirrored?: boolean;
  /**
   * Reserves `count` places and shows them. They count as used one by one, when they are `take`n.
   * @throws MirrorError `OUT_OF_HOST_MEMORY`, `UNSUPPORTED` with the reason and the remedy
   */
  open(count: number): LiveRange;
  /** Gives a place of an open range a frame, which is in use until it is freed. @throws MirrorError `OUT_OF_HOST_MEMORY` beyond the limit */
  take(place: number): number;
  /** Gives frames back, neighbours in one step: they are zeros when it returns. */
  free(frames: Uint32Array, count: number): void;
  /**
   * Takes frames away from plain accesses: once it has returned none is under way, and whoever comes waits until they are restored. What was
   * written before is in the frame, and is still reported by `collect`. The frames themselves stay readable and writable through `bufferOf`.
   */
  withhold(frames: Uint32Array, count: number): void;
  /** Lets accesses go on. What is written from then on is reported by `collect`, what was written through `bufferOf` before is not. */
  restore(frames: Uint32Array, count: number): void;
  /** Appends those of `count` frames (or places) from `first` on that plain stores wrote since that was last asked, and forgets that they were, in one step a frame. Returns how many. */
  collect(first: number, count: number, out: IdList): number;
  /** Is told, from the event loop, of accesses that wait for withheld frames; of one more than once, perhaps. */
  onFault: ((faults: readonly LiveFault[]) => void) | undefined;
}
