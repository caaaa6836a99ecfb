import { ArcEviction } from './arc.js';
import { CleanFirstClockEviction } from './clean-first-clock.js';
import { CleanFirstLruEviction } from './clean-first-lru.js';
import { ClockEviction } from './clock.js';
import { FifoEviction } from './fifo.js';
import { LfuEviction } from './lfu.js';
import { LruEviction } from './lru.js';
import { NeighbourhoodEviction } from './neighbourhood.js';
import { NextUseEviction } from './next-use.js';
import { RandomEviction } from './random.js';
import { S3FifoEviction } from './s3-fifo.js';
import { SieveEviction } from './sieve.js';
import { TwoQueueEviction } from './two-queue.js';
import type { EvictionFactory } from './types.js';
import { UnitEviction } from './units.js';

export * from './arc.js';
export * from './clean-first-clock.js';
export * from './clean-first-lru.js';
export * from './clock.js';
export * from './fifo.js';
export * from './frame-flags.js';
export * from './lfu.js';
export * from './lru.js';
export * from './neighbourhood.js';
export * from './next-use.js';
export * from './random.js';
export * from './s3-fifo.js';
export * from './sieve.js';
export * from './two-queue.js';
export type * from './types.js';
export * from './units.js';

/** Names of the eviction policies that come with core. */
export type EvictionName =
  | 'lru'
  | 'lru-64k'
  | 'lru-2m'
  | 'least-recently-allocated'
  | 'clock'
  | 'fifo'
  | 'random'
  | '2q'
  | 'arc'
  | 'lfu'
  | 'sieve'
  | 's3-fifo'
  | 'sequential-local'
  | 'tree'
  | 'clean-first-lru'
  | 'clean-first-clock'
  | 'next-use';

const BIG_PAGE = 64 * 1024;
const CHUNK = 2 * 1024 * 1024;

/** The eviction policies that come with core, by name. */
export const evictionPolicies: Readonly<Record<EvictionName, EvictionFactory>> = {
  lru: (capacity) => new LruEviction(capacity),
  'lru-64k': units('lru-64k', BIG_PAGE, 'access'),
  'lru-2m': units('lru-2m', CHUNK, 'access'),
  'least-recently-allocated': units('least-recently-allocated', CHUNK, 'allocation'),
  clock: (capacity) => new ClockEviction(capacity),
  fifo: (capacity) => new FifoEviction(capacity),
  random: (capacity) => new RandomEviction(capacity),
  '2q': (capacity) => new TwoQueueEviction(capacity),
  arc: (capacity) => new ArcEviction(capacity),
  lfu: (capacity) => new LfuEviction(capacity),
  sieve: (capacity) => new SieveEviction(capacity),
  's3-fifo': (capacity) => new S3FifoEviction(capacity),
  'sequential-local': (capacity, pageSize) => new NeighbourhoodEviction(capacity, pageSize, 'sequential-local'),
  tree: (capacity, pageSize) => new NeighbourhoodEviction(capacity, pageSize, 'tree'),
  'clean-first-lru': (capacity) => new CleanFirstLruEviction(capacity),
  'clean-first-clock': (capacity) => new CleanFirstClockEviction(capacity),
  'next-use': (capacity, pageSize) => new NextUseEviction(capacity, pageSize),
};

function units(name: string, unitBytes: number, order: 'access' | 'allocation'): EvictionFactory {
  return (capacity, pageSize) => new UnitEviction(capacity, pageSize, { name, unitBytes, order });
}
