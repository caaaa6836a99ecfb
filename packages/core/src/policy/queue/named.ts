import type { QueueChoice, QueuePolicy } from './types.js';

/** Says whether one queue is to be preferred to another. */
type Better = (a: QueueChoice, b: QueueChoice) => boolean;

const pagingFirst: Better = (a, b) => (a.paging === b.paging ? a.priority > b.priority : a.paging);

const emptier: Better = (a, b) => (a.depth === b.depth ? pagingFirst(a, b) : a.depth < b.depth);

const higher: Better = (a, b) => {
  if (a.priority !== b.priority) return a.priority > b.priority;
  return a.paging === b.paging ? a.depth < b.depth : a.paging;
};

/** The first of the best. */
function best(queues: readonly QueueChoice[], better: Better): number {
  let found = 0;
  for (let i = 1; i < queues.length; i++) if (better(queues[i]!, queues[found]!)) found = i;
  return found;
}

/** The paging queue of the highest priority: work that nothing of the user's stands in front of. */
export const toPagingQueue: QueuePolicy = ({ queues }) => best(queues, pagingFirst);

/** The queue that the last launch used, so that updates take their turn with the user's commands; without one, as `paging`. */
export const toUserQueue: QueuePolicy = ({ queues, user }) => {
  const at = queues.findIndex((queue) => queue.id === user);
  return at >= 0 ? at : best(queues, pagingFirst);
};

/** The queue with the fewest unfinished submissions; among equals a paging queue, then the higher priority. */
export const toLeastLoaded: QueuePolicy = ({ queues }) => best(queues, emptier);

/** The queue of the highest priority; among equals a paging queue, then the one with fewer submissions. */
export const toHighestPriority: QueuePolicy = ({ queues }) => best(queues, higher);
