import { AdaptivePrefetch } from './adaptive.js';
import { ChunkPrefetch } from './chunks.js';
import { HistoryPrefetch } from './history.js';
import { LocalPrefetch } from './local.js';
import { NextPrefetch } from './next.js';
import { NoPrefetch } from './none.js';
import { StridePrefetch } from './stride.js';
import { TreePrefetch } from './tree.js';
import { UnitsPrefetch } from './units.js';
import type { PrefetchFactory } from './types.js';

export * from './adaptive.js';
export * from './chunks.js';
export * from './history.js';
export * from './local.js';
export * from './next.js';
export * from './none.js';
export * from './stride.js';
export * from './tree.js';
export type * from './types.js';
export * from './units.js';

/** Names of the prefetch policies that come with core. */
export type PrefetchName =
  'none' | 'next' | 'stride' | 'local' | 'tree' | 'adaptive' | 'history' | 'units' | 'chunks' | 'granules';

const BIG_PAGE = 64 * 1024;
const CHUNK = 2 * 1024 * 1024;

/** The prefetch policies that come with core, by name. */
export const prefetchPolicies: Readonly<Record<PrefetchName, PrefetchFactory>> = {
  none: () => new NoPrefetch(),
  next: () => new NextPrefetch(),
  stride: () => new StridePrefetch(),
  local: (pageSize) => new LocalPrefetch(pageSize),
  tree: (pageSize) => new TreePrefetch(pageSize),
  adaptive: () => new AdaptivePrefetch(),
  history: () => new HistoryPrefetch(),
  units: (pageSize) => new UnitsPrefetch(pageSize),
  chunks: (pageSize) =>
    new ChunkPrefetch(pageSize, { name: 'chunks', sizes: [CHUNK, BIG_PAGE, 4096], clips: false, evicts: 1 }),
  granules: (pageSize) => new ChunkPrefetch(pageSize, { name: 'granules', sizes: [CHUNK], clips: true, evicts: 1 }),
};
