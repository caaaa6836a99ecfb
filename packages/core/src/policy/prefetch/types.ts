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
  /** Pages that are free on the device; more are never proposed. */
  readonly room: number;
  /** Says whether a page is on the device already, or on its way. */
  resident(page: number): boolean;
}

/** Proposes pages to bring along with faulted ones. No I/O, no clock. */
export interface PrefetchPolicy {
  /** The name under which the policy is chosen. */
  readonly name: string;
  /**
   * Writes extra pages to `out`, sorted and unique, none of them faulted or resident, all inside the region, at most
   * `room` and at most `out.length`; returns how many.
   */
  plan(request: PrefetchRequest, out: Float64Array): number;
}

/** Makes a policy for pages of `pageSize` bytes. */
export type PrefetchFactory = (pageSize: number) => PrefetchPolicy;
