import { type Command, type CommandQueue, type Device, type Fence, hasSettled, MirrorError } from '../driver/index.js';
import { queuePolicies, type QueueChoice, type QueuePolicy, type UpdateKind } from '../policy/index.js';

const RANK = { low: 0, normal: 1, high: 2 };

/** How commands are submitted. */
export interface UpdateOptions {
  /** Must have succeeded first; the last update before need only be over. */
  readonly after?: Fence | undefined;
  readonly urgent?: boolean;
  /** The update may fail without the device being given up. */
  readonly mayFail?: boolean;
}

/**
 * The queues by which a device's page tables are updated. Updates take effect in the order in which they are submitted, whatever
 * queues they go to. Into a user queue one goes only where nothing stands in front of it: there it could not but wait for work
 * that may stall on a fault, which only a later update resolves.
 */
export class UpdateQueues {
  /** Fence of the last update: what launches must not overtake. */
  last: Fence | undefined;
  private lastQueue: CommandQueue;
  /** Whether the last update may fail without the device being given up. */
  private lastMayFail = false;
  private readonly policy: QueuePolicy;
  /** The paging queue of the highest priority. */
  readonly paging: CommandQueue;
  private readonly every: readonly CommandQueue[];
  private readonly pagingOnly: readonly CommandQueue[];
  private readonly forFlush: Request;
  private readonly forOthers: Request;
  /** What the policy said about a flush that is to be sent next: it is asked once for each. */
  private flushChoice: CommandQueue | undefined;

  /** @throws MirrorError `CONTRACT_VIOLATION` for a device without a paging queue */
  constructor(device: Device, policy: QueuePolicy) {
    this.policy = policy;
    this.every = device.queues;
    this.pagingOnly = device.queues.filter((queue) => queue.paging);
    const ranks = device.features.has('priorities');
    this.forFlush = { kind: 'flush', queues: this.every.map((queue) => choiceOf(queue, ranks)), user: undefined };
    const others = this.pagingOnly.map((queue) => choiceOf(queue, ranks));
    this.forOthers = { kind: 'fault', queues: others, user: undefined };
    const paging = this.pagingOnly[queuePolicies.paging(this.forOthers)];
    if (paging === undefined) throw withoutPagingQueue(device);
    this.paging = paging;
    this.lastQueue = paging;
  }

  /** Notes a launch: its queue is the user's now. */
  launched(queue: number): void {
    this.forFlush.user = queue;
    this.forOthers.user = queue;
  }

  /** The queue for an update that is submitted now. */
  choose(kind: UpdateKind): CommandQueue {
    if (this.policy === queuePolicies.paging) return this.paging;
    const queue = (kind === 'flush' ? this.flushChoice : undefined) ?? this.pick(kind);
    if (kind === 'flush') this.flushChoice = undefined;
    return queue.paging || queue.depth === 0 ? queue : this.paging;
  }

  /** The user queue that a flush would go to if nothing stood in front of it there; `undefined` where it need not wait. */
  busyChoice(): CommandQueue | undefined {
    if (this.policy === queuePolicies.paging) return undefined;
    const queue = (this.flushChoice ??= this.pick('flush'));
    return queue.paging || queue.depth === 0 ? undefined : queue;
  }

  /** Submits an update behind those before it. */
  submit(queue: CommandQueue, commands: readonly Command[], options: UpdateOptions = {}): Fence {
    const { urgent, mayFail = false } = options;
    const after = options.after ?? this.before(queue);
    const fence = queue.submit(commands, {
      ...(after !== undefined && { after: [after] }),
      ...(urgent === true && { urgent }),
    });
    this.last = fence;
    this.lastQueue = queue;
    this.lastMayFail = mayFail;
    return fence;
  }

  /** What the next update waits for if it goes to `queue`. */
  private before(queue: CommandQueue): Fence | undefined {
    const { last, lastQueue } = this;
    if (last === undefined || lastQueue === queue || hasSettled(last)) return undefined;
    // A fence that fails would fail what waits for it; one behind it on its queue signals when it is over.
    return this.lastMayFail ? lastQueue.submit([]) : last;
  }

  private pick(kind: UpdateKind): CommandQueue {
    const flush = kind === 'flush';
    const request = flush ? this.forFlush : this.forOthers;
    request.kind = kind;
    return (flush ? this.every : this.pagingOnly)[this.policy(request)] ?? this.paging;
  }
}

interface Request {
  kind: UpdateKind;
  readonly queues: readonly QueueChoice[];
  user: number | undefined;
}

function choiceOf(queue: CommandQueue, ranks: boolean): QueueChoice {
  return {
    id: queue.id,
    priority: ranks ? RANK[queue.priority] : RANK.normal,
    paging: queue.paging,
    get depth() {
      return queue.depth;
    },
  };
}

function withoutPagingQueue(device: Device): MirrorError {
  return new MirrorError(
    'CONTRACT_VIOLATION',
    `${device.info.name} has no paging queue; a backend must offer at least one`,
    { device: device.info.name },
  );
}
