import type { IdList } from '../address/index.js';

/**
 * Knows which host frames the CPU wrote. Managed memory is told by every hold for writing; memory that the operating system
 * tracks (a native backend) finds out by itself. Frames nobody watches cost nothing.
 */
export interface PageTracker {
  /** How it finds out, for reports: `holds`, or the name of the system's mechanism. */
  readonly mechanism: string;
  /** Metadata in bytes. */
  readonly bytes: number;
  /** Notes that frames `[first, first + count)` were written. For memory that cannot find out by itself. */
  note(first: number, count: number): void;
  /** Whether a frame was written since it was last collected. */
  written(frame: number): boolean;
  /** Appends those of `frames` that were written since they were last collected to `out`, and forgets that they were, in one step a frame. Returns how many. */
  collect(frames: IdList, out: IdList): number;
}
