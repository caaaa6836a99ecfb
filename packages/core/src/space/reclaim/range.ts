import { MirrorError } from '../../driver/index.js';
import type { HostState } from '../host-state.js';
import type { SpaceState } from '../state.js';
import type { Reclaimer, ReclaimStats } from './reclaimer.js';

/** What a host memory is used for, in bytes, and what reclaim did on it. */
export interface MemoryUse {
  /** Bytes of pages in host memory. */
  readonly used: number;
  /** Bytes that reclaim keeps to; `Infinity` without a budget. */
  readonly budget: number;
  /** Bytes of pages in the swap store. */
  readonly swapped: number;
  /** Bytes of pages in host memory that devices use, which stand on the devices' lists (R5). */
  readonly inUse: number;
  /** Bytes of pages in host memory that stand on the ordinary list; 0 without `reclaim` options. */
  readonly ordinary: number;
  /** What reclaim did so far, in pages; all 0 without `reclaim` options. */
  readonly stats: ReclaimStats;
}

const NO_STATS: ReclaimStats = {
  swappedOut: 0,
  swappedIn: 0,
  dropped: 0,
  noRoom: 0,
  takenOffDevices: 0,
  stayed: 0,
};

/** What the host memory of a space is used for. */
export function memoryUse({ store, host, pageSize }: SpaceState): MemoryUse {
  const { reclaimer } = host;
  return {
    used: (store.host.inMemory ?? store.host.used) * pageSize,
    budget: reclaimer?.options.budget ?? Infinity,
    swapped: (store.swap?.used ?? 0) * pageSize,
    inUse: (store.lists?.used ?? store.countInUse()) * pageSize,
    ordinary: (store.lists?.ordinary.size ?? 0) * pageSize,
    stats: reclaimer?.stats ?? NO_STATS,
  };
}

/** @throws MirrorError `UNSUPPORTED` where no space asked for reclaim */
export function reclaimerOf(host: HostState): Reclaimer {
  if (host.reclaimer !== undefined) return host.reclaimer;
  throw new MirrorError(
    'UNSUPPORTED',
    'pages of this space stay in host memory; create it with { reclaim: { swap } } or { reclaim: {} } for files only',
  );
}

/** Takes the pages of a page range out, as far as they may leave; resolves to the bytes freed. */
export async function pageOutRange(
  space: SpaceState,
  reclaimer: Reclaimer,
  start: number,
  end: number,
): Promise<number> {
  const { store, base, pageSize } = space;
  const freed = await reclaimer.pageOut(
    () => new Set(store.pagesWithin(base + space.pageOf(start), base + space.pageOf(end))),
  );
  return freed * pageSize;
}
