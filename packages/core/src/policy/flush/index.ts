import type { FlushPolicy } from './types.js';

export type * from './types.js';

/** Names of the flush policies that come with core. */
export type FlushName = 'immediate' | 'flush-point' | 'coalesced';

/**
 * The flush policies that come with core, by name. Whatever the policy: what is flushed, launched or faulted takes along all that waits, so nobody sees stale entries after a flush point (R1);
 * a policy says only when the device is told although nobody asked.
 */
export const flushPolicies: Readonly<Record<FlushName, FlushPolicy>> = {
  /** At the end of the turn in which entries changed. */
  immediate: { name: 'immediate', entries: 0, us: 0 },
  /** When somebody flushes, launches, or faults are served: the map of dirty entries of Jérôme Glisse's 2014 RFC. */
  'flush-point': { name: 'flush-point', entries: Infinity, us: Infinity },
  /** At a flush point, when 512 wait, or after 1 ms, as Linux defers flushes of IOMMUs: to 256 of them, or 10 ms (dma-iommu.c). */
  coalesced: { name: 'coalesced', entries: 512, us: 1000 },
};
