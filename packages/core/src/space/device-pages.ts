/** How a page is called home: `clean` leaves the device a read-only copy, `revoke` leaves it nothing, `drop` as well and makes what the device owned zeros instead of copying it. */
export type RecallMode = 'clean' | 'revoke' | 'drop';

/**
 * What a space knows of a device's memory: enough to take pages back. Implemented by the mirror layer; one a device and
 * page store, numbered by its bit in {@link PageStore.devices}.
 */
export interface DevicePages {
  /** Name for messages. */
  readonly name: string;
  /** Pages it holds; counted one by one. */
  readonly resident: number;
  /** Up to `count` pages that it would give up next: none that must stay. They are the last to be given up from then on. */
  coldest(count: number): number[];
  /** Whether it could give up a resident page now: nothing under way needs it, and no advice pins it. */
  mayLeave(page: number): boolean;
  /** Says, a byte a page, which of them the device accessed since that was last asked; all 0 where it cannot tell. */
  accessed(pages: Uint32Array): Promise<Uint8Array>;
  /** Takes note, synchronously, that a page is dead: its frame is freed by the next flush. */
  discard(page: number): void;
  /** Keeps a resident page from being chosen as a victim, or lets it be chosen again. Synchronous. */
  block(page: number, blocked: boolean): void;
  /** Whether advice keeps a page that it holds on the device. */
  isPinned(page: number): boolean;
  /** Takes note, synchronously, that a page that it holds has another number: that of its new host frame. The copy and its frame stay. */
  moved(page: number, to: number): void;
  /**
   * Brings pages home: afterwards host bytes are current (not for `drop`) and, but for `clean`, the device holds no copy. The caller has locked
   * or claimed them. @throws MirrorError `DEVICE_LOST`, `DEVICE_TIMEOUT`
   */
  recall(pages: Uint32Array, count: number, mode: RecallMode): Promise<void>;
  /** Carries pending invalidations to the device; resolves when they are true there. */
  flush(): Promise<void>;
  /** Takes note, synchronously, that the copy of a page that it does not own lacks what plain stores wrote: it is made anew by what the device is sent next. */
  refresh(page: number): void;
  /** Tells that a lock, a hold or a region changed, so that faults that waited for it are tried again. Synchronous. */
  kick(): void;
}
