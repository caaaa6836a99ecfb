/** What the CPU wants to do with a range. */
export type HoldMode = 'read' | 'write';

/** How long to wait for a range, and what may end the wait. */
export interface HoldOptions {
  /** Milliseconds without any progress before `DEVICE_TIMEOUT`; > 0. Default: that of the space. */
  readonly timeoutMs?: number;
  /** Ends the wait with `ABORTED`. */
  readonly signal?: AbortSignal;
  /**
   * With mode `write`: what the range holds is not needed. Whole pages then begin as zeros, and nothing is copied home. If the
   * acquisition fails, pages whose content was on a device may be zeros, too. Default false.
   */
  readonly discard?: boolean;
}

/** The typed arrays that {@link Held.as} can make. */
export type ViewConstructor<T> = {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
  /** Bytes an element. */
  readonly BYTES_PER_ELEMENT: number;
};

/**
 * A range the CPU holds: devices may read it while it is held for reading and wait while it is held for writing. Release it
 * (best with `using`) as soon as the CPU is done; its arrays must not be used afterwards.
 */
export interface Held {
  /** What it is held for. */
  readonly mode: HoldMode;
  /** First byte address. */
  readonly address: number;
  /**
   * The bytes of the range. A view of host memory where its pages lie side by side, else a copy that release writes back. A page
   * that is mapped more than once in the range is in such a copy as often: of it, release writes back what differs from what was
   * there, and where several of its places do, that of the highest address.
   */
  readonly bytes: Uint8Array;
  /** Whether the range was given back. */
  readonly released: boolean;
  /**
   * The range as a typed array, e.g. `held.as(Float32Array)`.
   * @throws RangeError when its address or length is no multiple of the element size; MirrorError `CLOSED` after release
   */
  as<T>(type: ViewConstructor<T>): T;
  /**
   * Gives the range back; what was written is then what devices see. Synchronous.
   * @throws MirrorError `CLOSED` when it was released before
   */
  release(): void;
  /** As {@link release}, for `using`; releasing before is no error here. */
  [Symbol.dispose](): void;
}
