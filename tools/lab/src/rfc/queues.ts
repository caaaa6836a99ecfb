import {
  createSpace,
  type Device,
  type QueueChoice,
  queuePolicies,
  type QueuePolicy,
  type QueuePolicyName,
  type QueuePriority,
} from '@mirrorspace/core';
import { idle, openDevice, pause, PAGE, unmapOneByOne, userQueues } from './device.js';
import { load, type Load } from './loads.js';
import { meanOf } from './quartiles.js';

/** Priorities of the queues of a device with two user queues and two paging queues. */
const DEVICES: Readonly<Record<string, boolean | readonly QueuePriority[]>> = {
  none: false,
  'paging first': ['normal', 'normal', 'high', 'normal'],
  'a user queue first': ['normal', 'high', 'normal', 'normal'],
};

/** Pages unmapped in a turn. */
const PAGES = 100;

/** One flush by each placement policy, under one load. */
export interface QueueRow {
  readonly priorities: string;
  readonly load: Load;
  /** Simulated microseconds from the change until its flush is done. */
  readonly flushUs: Readonly<Record<QueuePolicyName, number>>;
  /** Simulated microseconds by which the load ended later than without a flush. */
  readonly heldUpUs: Readonly<Record<QueuePolicyName, number>>;
}

/** Where a flush goes, against what the device is busy with. */
export async function placementsUnderLoad(loads: readonly Load[]): Promise<QueueRow[]> {
  const rows: QueueRow[] = [];
  for (const [name, priorities] of Object.entries(DEVICES)) {
    for (const which of loads) {
      const alone = await flushUnder({ priorities, which, policy: undefined });
      const flushUs: Record<string, number> = {};
      const heldUpUs: Record<string, number> = {};
      for (const [policyName, policy] of Object.entries(queuePolicies)) {
        const found = await flushUnder({ priorities, which, policy });
        flushUs[policyName] = found.flushUs;
        heldUpUs[policyName] = found.endUs - alone.endUs;
      }
      rows.push({ priorities: name, load: which, flushUs, heldUpUs } as QueueRow);
    }
  }
  return rows;
}

interface Case {
  readonly priorities: boolean | readonly QueuePriority[];
  readonly which: Load;
  /** Where the flush goes; `undefined`: there is none. */
  readonly policy: QueuePolicy | undefined;
}

async function flushUnder({ priorities, which, policy }: Case): Promise<{ flushUs: number; endUs: number }> {
  const { device } = await openDevice({ priorities, pagingQueues: 2 });
  const space = await createSpace();
  try {
    const mirror = await space.attach(device, {
      eviction: 'lru',
      prefetch: 'none',
      ...(policy && { updateQueue: policy }),
    });
    const { address, bytes } = space.map({ bytes: PAGES * PAGE });
    await mirror.prefetch(address, bytes, { access: 'write' });
    await mirror.launch(idle).wait();
    const since = device.now();
    const ended = await load({ device, space, mirror }, which);
    const from = device.now();
    if (policy !== undefined) await unmapOneByOne(space, address, PAGES);
    const flushUs = device.now() - from;
    return { flushUs, endUs: (await ended()) - since };
  } finally {
    await space.close();
    await device.close();
  }
}

/** Which of the queues the flush of a number goes to. */
const ORDERS: Readonly<Record<string, (queues: readonly QueueChoice[], flush: number) => number>> = {
  'the first paging queue': (queues) => queues.findIndex(({ paging }) => paging),
  'the second paging queue': (queues) => queues.findLastIndex(({ paging }) => paging),
  'both paging queues in turn': (queues, flush) => queues.findIndex(({ paging }) => paging) + (flush % 2),
  'all queues in turn': (queues, flush) => flush % queues.length,
};

/** Flushes begun, and simulated microseconds from one to the next. */
export const FLUSHES = 32;
export const APART_US = 5;

/** Many flushes that do not wait for each other, spread over queues. */
export interface FenceRow {
  readonly order: string;
  readonly load: Load;
  /** Submissions that wait for a fence of another queue. */
  readonly fences: number;
  /** Submissions, those included that only mark a place in a queue. */
  readonly submissions: number;
  /** Simulated microseconds from a change until its flush is done. */
  readonly meanUs: number;
  readonly longestUs: number;
}

/** What it costs that updates keep their order whatever queues they go to. */
export async function fencesAcrossQueues(loads: readonly Load[]): Promise<FenceRow[]> {
  const rows: FenceRow[] = [];
  for (const which of loads) for (const order of Object.keys(ORDERS)) rows.push(await flushesIn(order, which));
  return rows;
}

async function flushesIn(order: string, which: Load): Promise<FenceRow> {
  const { device, clock, tally } = await openDevice({ priorities: false, pagingQueues: 2 });
  const space = await createSpace();
  let flush = 0;
  try {
    const updateQueue: QueuePolicy = ({ kind, queues }) => (kind === 'flush' ? ORDERS[order]!(queues, flush) : 0);
    const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none', updateQueue });
    const { address, bytes } = space.map({ bytes: FLUSHES * PAGE });
    await mirror.prefetch(address, bytes, { access: 'write' });
    await mirror.launch(idle, { queue: userQueues(device)[0] }).wait();
    const ended = await load({ device, space, mirror }, which);
    const fences = countFences(device);
    tally.clear();
    const times: number[] = [];
    const flushed: Promise<void>[] = [];
    for (; flush < FLUSHES; flush++) {
      if (flush > 0) await pause(clock, APART_US);
      const since = device.now();
      flushed.push(space.unmap(address + flush * PAGE, PAGE).then(() => void times.push(device.now() - since)));
    }
    await Promise.all(flushed);
    const { submissions } = tally;
    await ended();
    return {
      order,
      load: which,
      fences: fences(),
      submissions,
      meanUs: meanOf(times),
      longestUs: Math.max(...times),
    };
  } finally {
    await space.close();
    await device.close();
  }
}

/** Counts submissions that wait for a fence of another queue. */
function countFences(device: Device): () => number {
  let count = 0;
  for (const queue of device.queues) {
    const submit = queue.submit.bind(queue);
    queue.submit = (commands, options) => {
      if (options?.after?.some((fence) => fence.queue !== queue.id) === true) count++;
      return submit(commands, options);
    };
  }
  return () => count;
}
