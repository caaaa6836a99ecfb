import { ClockEviction } from './clock.js';
import { FifoEviction } from './fifo.js';
import { LruEviction } from './lru.js';
import type { EvictionFactory } from './types.js';

export * from './clock.js';
export * from './fifo.js';
export * from './lru.js';
export type * from './types.js';

/** Names of the eviction policies that come with core. */
export type EvictionName = 'lru' | 'clock' | 'fifo';

/** The eviction policies that come with core, by name. */
export const evictionPolicies: Readonly<Record<EvictionName, EvictionFactory>> = {
  lru: (capacity) => new LruEviction(capacity),
  clock: (capacity) => new ClockEviction(capacity),
  fifo: (capacity) => new FifoEviction(capacity),
};
