import { toHighestPriority, toLeastLoaded, toPagingQueue, toUserQueue } from './named.js';
import type { QueuePolicy } from './types.js';

export type * from './types.js';

/** Names of the queue policies that come with core. */
export type QueuePolicyName = 'paging' | 'user' | 'least-loaded' | 'highest-priority';

/** The queue policies that come with core, by name. */
export const queuePolicies: Readonly<Record<QueuePolicyName, QueuePolicy>> = {
  paging: toPagingQueue,
  user: toUserQueue,
  'least-loaded': toLeastLoaded,
  'highest-priority': toHighestPriority,
};
