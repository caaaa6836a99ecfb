/**
 * Orders what may be given up. State over dense frame ids 0 … capacity - 1, in typed arrays; no I/O, no clock.
 * Counts are at most the length of their array, unchecked.
 */
export interface EvictionPolicy {
  /** The name under which the policy is chosen. */
  readonly name: string;
  /** Number of frames tracked. */
  readonly size: number;
  /** Bytes of state. */
  readonly bytes: number;
  /**
   * Starts to track the frames `ids[0 … count - 1]`, which were just filled; for one that is tracked it is an access.
   * @throws RangeError when an id is not below the capacity; nothing has changed then
   */
  insert(ids: Uint32Array, count: number): void;
  /** Notes accesses (fault hits, harvested accessed bits), the most recent last. Ids not tracked are ignored. */
  touch(ids: Uint32Array, count: number): void;
  /** Stops tracking frames that were freed by other means. Ids not tracked are ignored. */
  remove(ids: Uint32Array, count: number): void;
  /**
   * Chooses up to `count` victims into `out`, best first, stops tracking them and returns how many. A frame with
   * `blocked[id] !== 0` is passed over: it stays tracked and keeps its place. Work is bounded by the capacity,
   * also where all frames are blocked.
   */
  victims(out: Uint32Array, count: number, blocked: Uint8Array): number;
}

/** Makes a policy for frames 0 … capacity - 1. */
export type EvictionFactory = (capacity: number) => EvictionPolicy;
