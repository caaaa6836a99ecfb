import type {
  CheckContext,
  Command,
  CommandQueue,
  Fence,
  MirrorError,
  QueuePriority,
  SubmitOptions,
  Timeline,
} from '@mirrorspace/core/driver';
import { checkCommands, TimelineFence } from '@mirrorspace/core/driver';
import type { Run } from './run.js';

/** A submission on its way. */
export interface Submission {
  readonly fence: TimelineFence;
  readonly commands: readonly Command[];
  readonly after: readonly Fence[] | undefined;
  readonly urgent: boolean;
  next: Submission | undefined;
  /** Fences it still waits for. */
  waits: number;
  started: boolean;
  /** The command that is under way or next. */
  index: number;
  /** State of that command, if it may stall. */
  run: Run | undefined;
  /** Whether that command was begun: looked up in the script, its time drawn. */
  begun: boolean;
  /** Simulated microseconds that its interrupted round has left. */
  pausedUs: number | undefined;
}

/** What a queue needs of its device. */
export interface QueueOwner {
  /** Takes a submission that was checked. */
  enqueue(queue: MemoryQueue, commands: readonly Command[], options: SubmitOptions | undefined): Fence;
  /** A number that grows with every command and work unit done. */
  readonly progress: number;
}

/** One queue: a list of submissions of which only the first ever runs. */
export class MemoryQueue implements CommandQueue, Timeline {
  readonly id: number;
  readonly priority: QueuePriority;
  readonly paging: boolean;
  head: Submission | undefined;
  /** The head waits for a replay. */
  stalled = false;
  /** The head will never end (fault injection). */
  hung = false;
  /** Urgent submissions not settled yet. */
  urgent = 0;
  depth = 0;
  #tail: Submission | undefined;
  #last = 0;
  readonly #owner: QueueOwner;
  readonly #check: CheckContext;

  constructor(id: number, priority: QueuePriority, owner: QueueOwner, check: CheckContext) {
    this.id = id;
    this.priority = priority;
    this.paging = check.paging;
    this.#owner = owner;
    this.#check = check;
  }

  /** Whether the head can go on now. */
  get runnable(): boolean {
    return this.head !== undefined && this.head.waits === 0 && !this.stalled && !this.hung;
  }

  submit(commands: readonly Command[], options?: SubmitOptions): Fence {
    checkCommands(commands, this.#check, options);
    return this.#owner.enqueue(this, commands, options);
  }

  /** The fence of the next submission. */
  createFence(): TimelineFence {
    return new TimelineFence(this.id, ++this.#last, this);
  }

  push(submission: Submission): void {
    if (this.#tail === undefined) this.head = submission;
    else this.#tail.next = submission;
    this.#tail = submission;
    this.depth++;
    if (submission.urgent) this.urgent++;
  }

  /** Takes the head off and settles its fence: signaled, or failed with `error`. */
  pop(error?: MirrorError): void {
    const submission = this.head;
    if (submission === undefined) return;
    this.head = submission.next;
    if (this.head === undefined) this.#tail = undefined;
    this.stalled = this.hung = false;
    this.depth--;
    if (submission.urgent) this.urgent--;
    if (error === undefined) submission.fence.settle();
    else submission.fence.fail(error);
  }

  heartbeat(): number {
    return this.#owner.progress;
  }

  describe(fence: TimelineFence): string {
    const { head } = this;
    if (head === undefined) return `the queue of ${this.#check.device} is empty`;
    const ahead = fence.value - head.fence.value;
    const place = ahead === 0 ? 'it is at the head' : `behind ${ahead} submission${ahead === 1 ? '' : 's'}`;
    return `${place}, head: ${this.#describeHead(head)} on ${this.#check.device}`;
  }

  #describeHead(head: Submission): string {
    if (head.waits > 0) return `waiting for ${head.waits} fences`;
    const command = head.commands[head.index]?.kind ?? 'nothing left to do';
    const step = `${command} (command ${head.index + 1} of ${head.commands.length})`;
    return this.stalled ? `${step}, stalled on ${head.run?.stalled ?? 0} faults` : step;
  }
}
