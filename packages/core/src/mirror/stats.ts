/** What a mirror did since it was attached. Counts of events, pages, and bytes. */
export interface MirrorStats {
  /** Faults served, duplicates not counted. */
  faults: number;
  /** Faults that another one of the same batch already covered. */
  duplicateFaults: number;
  /** Faults that had to wait for a hold, a lock, a file or another device; one that waits twice counts twice. */
  deferredFaults: number;
  /** Faults that were cancelled: their accesses failed. */
  cancelledFaults: number;
  /** Rounds of the fault service. */
  batches: number;
  /** Pages copied (or zero-filled) into device memory. */
  pagesIn: number;
  /** Pages copied home. */
  pagesOut: number;
  /** Bytes copied from host to device; zero-filled pages cost none. */
  bytesIn: number;
  /** Bytes copied from device to host. */
  bytesOut: number;
  /** Pages that left the device to make room. */
  evictions: number;
  /** Evicted pages that were dirty and had to be copied home. */
  writeBacks: number;
  /** Pages brought before anyone faulted on them. */
  prefetched: number;
  /** Of those, how many the device is known to have used. 0 on devices without `accessed-bits`. */
  prefetchUsed: number;
  /** Of those, how many are known to have left unused. 0 on devices without `accessed-bits`. */
  prefetchWasted: number;
  /** Why pages were brought ahead: counts of pages, by the reasons that the policy gives. */
  readonly fetchReasons: Readonly<Record<string, number>>;
  /** Why pages were given up, likewise; with {@link evictions}. */
  readonly evictionReasons: Readonly<Record<string, number>>;
  /** Submissions that carried invalidations to the device. */
  flushes: number;
  /** Entries invalidated. */
  invalidated: number;
  /** Pages taken home because the CPU, a fork or another device wanted them. */
  recalls: number;
  /** Times stalled accesses were let go on. */
  replays: number;
  /** Rounds in which nothing could be served and the window of work units shrank. */
  stalls: number;
}

/** All zero. */
export function createStats(): MirrorStats {
  return {
    faults: 0,
    duplicateFaults: 0,
    deferredFaults: 0,
    cancelledFaults: 0,
    batches: 0,
    pagesIn: 0,
    pagesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    evictions: 0,
    writeBacks: 0,
    prefetched: 0,
    prefetchUsed: 0,
    prefetchWasted: 0,
    fetchReasons: {},
    evictionReasons: {},
    flushes: 0,
    invalidated: 0,
    recalls: 0,
    replays: 0,
    stalls: 0,
  };
}

/** Adds to the count of a reason. */
export function countReason(reasons: Readonly<Record<string, number>>, reason: string, count: number): void {
  (reasons as Record<string, number>)[reason] = (reasons[reason] ?? 0) + count;
}
