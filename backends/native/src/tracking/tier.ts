import type { IdList } from '@mirrorspace/core';
import type { Mapping } from '../addon/mapping.js';

/** A run of frames that plain stores reach, as tracking sees it. */
export interface TrackedRange {
  /** Its first frame. */
  readonly first: number;
  /** Frames it has. */
  readonly count: number;
  /** Where the process accesses it. */
  readonly mapping: Mapping;
}

/** A way to find out which frames plain stores wrote. */
export interface Tier {
  /** Its name, for reports. */
  readonly mechanism: 'wp-async' | 'wp-sync' | 'compare';
  /** Metadata in bytes. */
  readonly bytes: number;
  /** A range is to be tracked; none of it was written yet. */
  begin(range: TrackedRange): void;
  /** A range goes. */
  end(range: TrackedRange): void;
  /** Appends frames of `[first, first + count)`, all in `range`, that were written, ascending, and forgets that they were. */
  collect(range: TrackedRange, first: number, count: number, out: IdList): void;
  /** Elements `[from, to)` of a list of frames of `range` have been taken away from plain accesses. */
  withheld(range: TrackedRange, frames: Uint32Array, from: number, to: number): void;
  /** They are about to be accessed again; what is in them counts as known. */
  restoring(range: TrackedRange, frames: Uint32Array, from: number, to: number): void;
  /** A frame is about to become zeros. */
  forget(range: TrackedRange, frames: Uint32Array): void;
}
