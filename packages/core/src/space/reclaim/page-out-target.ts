import type { PageStore } from '../page-store.js';
import type { SwapStore } from './swap-store.js';

/** How pages leave a host memory. */
export interface PageOutTarget {
  readonly store: PageStore;
  /** Absent: only pages that are in files, or zeros, can leave. */
  readonly swap: SwapStore | undefined;
  readonly timeoutMs: number;
}

/** What became of pages that were to leave. */
export interface PageOutCounts {
  /** Pages written to the swap store, or taken out of memory by the system. */
  swappedOut: number;
  /** Pages dropped, which a file or nothing at all stands for. */
  dropped: number;
  /** Pages for which the swap store had no room. */
  noRoom: number;
  /** Pages that were to leave and stayed: held, locked, in use, lost, without room, or because what was to keep them failed. */
  stayed: number;
}
