import { NextPrefetch } from './next.js';
import { NoPrefetch } from './none.js';
import { TreePrefetch } from './tree.js';
import type { PrefetchFactory } from './types.js';

export * from './next.js';
export * from './none.js';
export * from './tree.js';
export type * from './types.js';

/** Names of the prefetch policies that come with core. */
export type PrefetchName = 'none' | 'next' | 'tree';

/** The prefetch policies that come with core, by name. */
export const prefetchPolicies: Readonly<Record<PrefetchName, PrefetchFactory>> = {
  none: () => new NoPrefetch(),
  next: () => new NextPrefetch(),
  tree: (pageSize) => new TreePrefetch(pageSize),
};
