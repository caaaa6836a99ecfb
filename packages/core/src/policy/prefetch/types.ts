/** One batch of faults in one region, as a prefetch policy sees it. Page numbers are in pages of the policy's page size. */
export interface PrefetchRequest {
  /** Faulted page numbers: sorted, unique, inside the region. */
  readonly faults: Float64Array;
  /** How many elements of `faults` count. */
  readonly count: number;
  /** First page of the region. */
  readonly regionStart: number;
  /** First page after the region; nothing beyond is ever proposed. */
  readonly regionEnd: number;
  /** Pages that may come: those that are free on the device, and as many as the policy may push out ({@link PrefetchPolicy.evicts}); more are never proposed. */
  readonly room: number;
  /** Pages that are free on the device; for what comes beyond, others leave. Absent: all of `room`. */
  readonly free?: number;
  /** Says whether a page is on the device already, or on its way. */
  resident(page: number): boolean;
  /** Says whether a page goes to and fro so often that it is not to be brought ahead. Absent: none does. */
  thrashing?(page: number): boolean;
}

/** Proposes pages to bring along with faulted ones; may learn from them. No I/O, no clock. */
export interface PrefetchPolicy {
  /** The name under which the policy is chosen. */
  readonly name: string;
  /**
   * Share of the device's frames, 0 to 1, that may be pushed out for what one batch brings ahead. Nothing that the same batch brings is pushed out, and faults
   * get their frames first. 0, or absent: guesses take free frames only.
   */
  readonly evicts?: number;
  /** Why pages are brought, for statistics; at most 127. Absent: the policy's name. */
  readonly reasons?: readonly string[];
  /**
   * Writes extra pages to `out`, sorted and unique, none of them faulted or resident, all inside the region, at most
   * `room` and at most `out.length`; returns how many. Writes to `why[i]`, where it is given and all 0, the index in {@link reasons} of why `out[i]` is brought.
   */
  plan(request: PrefetchRequest, out: Float64Array, why?: Uint8Array): number;
  /**
   * Hears of a page that it brought, once: that the device used it, or that it left unused; `why` is the index in {@link reasons}, 0 without. Only devices with
   * `accessed-bits` can tell.
   */
  feedback?(page: number, used: boolean, why: number): void;
}

/** Makes a policy for pages of `pageSize` bytes. */
export type PrefetchFactory = (pageSize: number) => PrefetchPolicy;
