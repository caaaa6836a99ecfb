/**
 * Orders what may be given up. State over dense frame ids 0 … capacity - 1, in typed arrays; no I/O, no clock, and after the first
 * times no allocation. Counts are at most the length of their array, unchecked.
 *
 * A frame is room for a page; the same frame holds one page after another. Policies that learn from what left, or that look at
 * neighbours, know pages by numbers that stay a page's own while it is away, and neighbours by numbers one apart. Where no number
 * is known, the page counts as one that was never seen, without neighbours.
 */
export interface EvictionPolicy {
  /** The name under which the policy is chosen. */
  readonly name: string;
  /** Number of frames tracked. */
  readonly size: number;
  /** Bytes of state. */
  readonly bytes: number;
  /** Most victims beyond those asked for that one call may choose. 0, or absent, where a policy gives up single frames. */
  readonly overshoot?: number;
  /** Why frames are given up, for statistics; at most 255. Absent: the policy's name. */
  readonly reasons?: readonly string[];
  /**
   * Starts to track the frames `ids[0 … count - 1]`, which were just filled, with the pages `pages[0 … count - 1]`; for one that is
   * tracked it is an access, and the number of its page does not count. `ahead[i]` is 1 where nobody has asked for the page yet.
   * @throws RangeError when an id is not below the capacity; nothing has changed then
   */
  insert(ids: Uint32Array, count: number, pages?: Float64Array, ahead?: Uint8Array): void;
  /** Notes accesses (fault hits, harvested accessed bits), the most recent last. Ids not tracked are ignored. */
  touch(ids: Uint32Array, count: number): void;
  /** Stops tracking frames that were freed by other means. Ids not tracked are ignored. */
  remove(ids: Uint32Array, count: number): void;
  /**
   * Chooses `count` victims into `out`, best first, or as many as there are, stops tracking them and returns how many. A policy that
   * gives up whole units chooses up to {@link overshoot} more, as far as `out` has room. A frame with a `FRAME_BLOCKED` bit in
   * `flags` is passed over: it stays tracked and keeps its place. A frame with `FRAME_DIRTY` may have to be copied home.
   * `coming` are the pages that the room is for, as far as known, `count` of them. Work is bounded by the capacity, also where all
   * frames are blocked. Writes to `why[i]`, where it is given, the index in {@link reasons} of why `out[i]` goes.
   */
  victims(out: Uint32Array, count: number, flags: Uint8Array, coming?: Float64Array, why?: Uint8Array): number;
  /**
   * Writes up to `count` tracked frames to `out` of which it would be good to know whether the device has accessed them, and returns how many; nothing changes.
   * They are mostly those that are to go next: accessed ones are touched then, and stay (a second chance). Absent: frames are looked at in turn.
   */
  candidates?(out: Uint32Array, count: number): number;
}

/** Makes a policy for frames 0 … capacity - 1 of `pageSize` bytes. */
export type EvictionFactory = (capacity: number, pageSize: number) => EvictionPolicy;
