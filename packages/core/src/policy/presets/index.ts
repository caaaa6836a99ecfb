import type { PolicySet, PolicySetName } from './types.js';
import { TreePrefetch } from '../prefetch/tree.js';

export type * from './types.js';

/**
 * Sets of policies that belong together, by name.
 *
 * - `default`: ours. Finds out by itself how much to bring and what to give up.
 * - `simple`: single pages, least recently used first.
 * - `uvm`: NVIDIA's driver, open-gpu-kernel-modules 595.45.04 with its default parameters: the tree, root chunks of 2 MiB by their last allocation, its order of residency, its thrashing detection.
 * - `xe`: Linux's Xe: aligned chunks of 2 MiB, 64 KiB or 4 KiB; chunks leave in the order in which TTM got them.
 * - `kfd`: Linux's KFD: granules of 2 MiB, clipped to the region; likewise.
 */
export const policySets: Readonly<Record<PolicySetName, PolicySet>> = {
  default: { eviction: 'next-use', prefetch: 'units', placement: 'uvm', thrashing: 'uvm', sampling: 3 },
  simple: { eviction: 'lru', prefetch: 'none' },
  uvm: {
    eviction: 'least-recently-allocated',
    prefetch: (pageSize) => new TreePrefetch(pageSize, { evicts: 1 }),
    placement: 'uvm',
    thrashing: 'uvm',
  },
  xe: { eviction: 'least-recently-allocated', prefetch: 'chunks' },
  kfd: { eviction: 'least-recently-allocated', prefetch: 'granules' },
};
