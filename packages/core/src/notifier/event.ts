/**
 * Why a range of CPU page-table entries changes, after the kernel's `enum mmu_notifier_event`.
 *
 * - `unmap` the range leaves the space
 * - `clear` entries are removed, the region stays (contents discarded, copy on write broken, truncation)
 * - `protection` rights shrink
 * - `soft-dirty` write tracking is re-armed
 * - `release` the space ends
 * - `migrate` contents move to another place; `owner` says on whose behalf: a mirror's, or `HOST_MIGRATION` where pages get other host frames
 * - `exclusive` one device takes the range for itself; `owner` says which
 */
export type NotifierEventKind = 'unmap' | 'clear' | 'protection' | 'soft-dirty' | 'release' | 'migrate' | 'exclusive';

/** One invalidation. The object is reused: it is valid only during the callback, and until that invalidates in turn. */
export interface NotifierEvent {
  /** Why the entries change. */
  readonly kind: NotifierEventKind;
  /** First byte address concerned. */
  readonly start: number;
  /** End of the range, exclusive. */
  readonly end: number;
  /** Whether the callee may ask for time: where not, refusing (returning `false`) is the only way to say that it would have to wait. */
  readonly blockable: boolean;
  /** Who causes the change, or `undefined`: lets a device skip its own invalidations. */
  readonly owner: unknown;
}

/** What a notifier is inserted with. */
export interface NotifierOptions {
  /** First byte address watched. */
  readonly start: number;
  /** End of the watched range, exclusive. */
  readonly end: number;
  /** Invalidations caused by the same owner are not reported to this notifier. */
  readonly owner?: unknown;
  /**
   * Called synchronously before entries of the range change. It must not wait, submit or, in steady state, allocate (R4).
   * `false` refuses a non-blockable invalidation (the caller fails with `BUSY`, nothing changed); it is ignored otherwise.
   */
  invalidate(event: NotifierEvent): boolean | void;
}
