import type { Command } from '../driver/command.js';
import type { CommandQueue, QueuePriority, SubmitOptions } from '../driver/device.js';
import { MirrorError } from '../driver/errors.js';
import { type Fence, hasSettled } from '../driver/fence.js';
import { checkCommands, type CheckContext } from './check-commands.js';
import { type Timeline, TimelineFence, whenSettled } from './timeline-fence.js';

/** A submission that runs, or waits for its turn. */
export interface Submission {
  /** Settles when it has ended. */
  readonly fence: TimelineFence;
  /** What to run, in order. */
  readonly commands: readonly Command[];
  /** Fences that it starts after. */
  readonly after: readonly Fence[];
  /** Whether it may interrupt running work. */
  readonly urgent: boolean;
  /** The command that is under way or next. The backend counts it up. */
  index: number;
}

/** What a {@link SubmissionQueue} needs of its device. */
export interface SubmissionOwner {
  /** Why nothing runs any more; `undefined` while the device lives. */
  readonly gone: MirrorError | undefined;
  /** Any number that changes when the device makes progress: waits restart their clock then. */
  heartbeat(): number;
  /** There may be something to run. Called from inside `submit`, and when a fence that somebody waits for settles. */
  kick(): void;
}

/**
 * A queue that checks what it is given and hands out one submission at a time, in order, once what it comes after settled.
 * Whether the head can go on for other reasons (it is stalled, the device is busy) is the backend's to know.
 */
export class SubmissionQueue implements CommandQueue, Timeline {
  readonly id: number;
  readonly priority: QueuePriority;
  readonly paging: boolean;
  readonly #owner: SubmissionOwner;
  readonly #check: CheckContext;
  readonly #waiting: Submission[] = [];
  #last = 0;

  constructor(id: number, priority: QueuePriority, check: CheckContext, owner: SubmissionOwner) {
    this.id = id;
    this.priority = priority;
    this.paging = check.paging;
    this.#check = check;
    this.#owner = owner;
  }

  get depth(): number {
    return this.#waiting.length;
  }

  /** The first submission, whether or not it can run. */
  get head(): Submission | undefined {
    return this.#waiting[0];
  }

  submit(commands: readonly Command[], options: SubmitOptions = {}): Fence {
    checkCommands(commands, this.#check, options);
    const { after = [], urgent = false } = options;
    const fence = new TimelineFence(this.id, ++this.#last, this);
    const { gone } = this.#owner;
    if (gone !== undefined) {
      fence.fail(gone);
      return fence;
    }
    this.#waiting.push({ fence, commands, after: [...after], urgent, index: 0 });
    for (const other of after) if (!hasSettled(other)) whenSettled(other, () => this.#owner.kick());
    this.#owner.kick();
    return fence;
  }

  /** The head, if all it comes after settled. Heads that come after a failure fail here, without having run. */
  next(): Submission | undefined {
    for (let head = this.head; head !== undefined; head = this.head) {
      if (!head.after.every(hasSettled)) return undefined;
      const failed = head.after.find(({ error }) => error !== undefined);
      if (failed?.error === undefined) return head;
      this.settle(notRun(failed, failed.error));
    }
    return undefined;
  }

  /** Takes the head off, if there is one: its fence signals, or fails with `error`. */
  settle(error?: MirrorError): void {
    const head = this.#waiting.shift();
    if (error === undefined) head?.fence.settle();
    else head?.fence.fail(error);
  }

  heartbeat(): number {
    return this.#owner.heartbeat();
  }

  describe(fence: TimelineFence): string {
    const { head } = this;
    if (head === undefined) return `the queue of ${this.#check.device} is empty`;
    const ahead = fence.value - head.fence.value;
    const place = ahead === 0 ? 'it is at the head' : `behind ${ahead} submission${ahead === 1 ? '' : 's'}`;
    return `${place}, head: ${describeHead(head)} on ${this.#check.device}`;
  }
}

function describeHead({ after, commands, index }: Submission): string {
  const waits = after.filter((fence) => !hasSettled(fence)).length;
  if (waits > 0) return `waiting for ${waits} fence${waits === 1 ? '' : 's'}`;
  return `${commands[index]?.kind ?? 'nothing left to do'} (command ${index + 1} of ${commands.length})`;
}

function notRun(fence: Fence, error: MirrorError): MirrorError {
  return new MirrorError(
    error.code,
    `Not run, because fence ${fence.value} of queue ${fence.queue}, which it comes after, failed: ${error.message}`,
    { cause: error },
  );
}
