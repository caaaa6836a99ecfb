import type { Command, Fence, SubmitOptions } from '@mirrorspace/core/driver';
import { BIT_DIRTY, MirrorError, whenSettled } from '@mirrorspace/core/driver';
import type { ClockEvent, SimClock } from './clock.js';
import type { DeviceEvent } from './event.js';
import { Executor, type ExecutorOptions } from './executor.js';
import { type LatencyModel, sample } from './latency.js';
import type { MemoryQueue, QueueOwner, Submission } from './queue.js';
import type { Random } from './random.js';
import type { ScriptRunner } from './script.js';

const RANK = { low: 0, normal: 1, high: 2 } as const;
const URGENT_RANK = 3;

/** What the engine is made with. */
export interface EngineOptions extends Omit<ExecutorOptions, 'queues' | 'fail' | 'faulted'> {
  readonly clock: SimClock;
  readonly random: Random;
  /** `undefined`: nothing takes time. */
  readonly latency: LatencyModel | undefined;
  readonly preemptionUs: number;
  readonly onEvent: ((event: DeviceEvent) => void) | undefined;
}

/** What occupies the device until a simulated time. */
interface Busy {
  readonly event: ClockEvent;
  /** The queue whose round of work units runs, if that is it: it can be interrupted. */
  readonly interruptible: MemoryQueue | undefined;
}

/**
 * The scheduler: one thing runs at a time, a command or a round of work units; then the runnable queue of the highest
 * priority is next. What takes no time runs at once, inside the call that made it possible.
 */
export class Engine implements QueueOwner {
  progress = 0;
  readonly queues: MemoryQueue[] = [];
  readonly executor: Executor;
  script: ScriptRunner | undefined;
  /** Why nothing runs any more. */
  gone: MirrorError | undefined;
  /** Whether commands start and never end. */
  hanging = false;
  readonly #options: EngineOptions;
  readonly #preempts: boolean;
  readonly #priorities: boolean;
  #busy: Busy | undefined;
  #pumping = false;
  #needsService = false;
  #lastServed = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#preempts = options.features.has('preemption');
    this.#priorities = options.features.has('priorities');
    this.executor = new Executor({
      ...options,
      queues: this.queues,
      fail: (queue, error) => this.#fail(queue, error),
      faulted: (queue, address) => {
        this.#needsService = true;
        if (options.onEvent !== undefined) this.#emit('fault', queue, this.queues[queue]?.head, { address });
      },
    });
  }

  enqueue(queue: MemoryQueue, commands: readonly Command[], options: SubmitOptions | undefined): Fence {
    const fence = queue.createFence();
    if (this.gone !== undefined) {
      fence.fail(this.gone);
      return fence;
    }
    const submission: Submission = {
      fence,
      commands,
      after: options?.after,
      urgent: this.#preempts && options?.urgent === true,
      next: undefined,
      waits: 0,
      started: false,
      index: 0,
      run: undefined,
      begun: false,
      pausedUs: undefined,
    };
    this.#emit('submit', queue.id, submission);
    queue.push(submission);
    if (submission.after !== undefined) this.#await(submission, submission.after);
    this.pump();
    return fence;
  }

  /** Runs what can run now. Called again from inside, it leaves the work to the outer call. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      if (this.#busy?.interruptible !== undefined) this.#preempt(this.#busy, this.#busy.interruptible);
      while (this.#busy === undefined && this.gone === undefined) {
        const queue = this.#pick();
        if (queue?.head === undefined) break;
        this.#step(queue, queue.head);
      }
    } finally {
      this.#pumping = false;
    }
    if (this.#needsService) {
      this.#needsService = false;
      this.executor.faults.wake();
    }
  }

  /** Ends everything: all pending fences fail with `error`, and so does every later one. */
  stop(error: MirrorError): void {
    this.gone = error;
    if (this.#busy !== undefined) this.#options.clock.cancel(this.#busy.event);
    this.#busy = undefined;
    for (const queue of this.queues) while (queue.head !== undefined) this.#fail(queue, error);
    this.#emit('lost', -1, undefined, { code: error.code });
  }

  /** An MMU was closed: what is stalled on it fails; what runs on it fails at its next step. */
  closeMmu(id: number): void {
    const error = this.executor.closedMmu(id);
    for (const queue of this.queues) {
      if (queue.stalled && queue.head?.run?.mmu.id === id) this.#fail(queue, error);
    }
    this.pump();
  }

  #await(submission: Submission, after: readonly Fence[]): void {
    for (const fence of after) {
      if (fence.signaled || fence.error !== undefined) continue;
      submission.waits++;
      whenSettled(fence, () => {
        submission.waits--;
        this.pump();
      });
    }
  }

  /** The runnable queue that is next: by urgency, then priority, then in turn. */
  #pick(): MemoryQueue | undefined {
    const { queues } = this;
    let best: MemoryQueue | undefined;
    let bestRank = -1;
    let ties = 0;
    for (let i = 1; i <= queues.length; i++) {
      const queue = queues[(this.#lastServed + i) % queues.length]!;
      if (!queue.runnable) continue;
      const rank = this.#rank(queue);
      if (rank > bestRank) {
        best = queue;
        bestRank = rank;
        ties = 1;
      } else if (rank === bestRank && this.script?.reorders === true) {
        ties++;
        if (this.#options.random.below(ties) === 0) best = queue;
      }
    }
    if (best !== undefined) this.#lastServed = best.id;
    return best;
  }

  #rank(queue: MemoryQueue): number {
    if (queue.urgent > 0) return URGENT_RANK;
    return this.#priorities ? RANK[queue.priority] : RANK.normal;
  }

  /** Starts, or goes on with, the head of a queue. */
  #step(queue: MemoryQueue, submission: Submission): void {
    if (!submission.started) {
      submission.started = true;
      const failed = submission.after?.find((fence) => fence.error !== undefined);
      if (failed?.error !== undefined) return this.#fail(queue, notRun(failed.error, failed));
      this.#emit('start', queue.id, submission);
    }
    const command = submission.commands[submission.index];
    if (command === undefined) return this.#settle(queue, submission);
    const us = this.#begin(queue, submission, command);
    if (us === 0) this.#finish(queue, submission, command);
    else if (us > 0) {
      const event = this.#options.clock.after(us, () => {
        this.#busy = undefined;
        this.#finish(queue, submission, command);
        this.pump();
      });
      this.#busy = { event, interruptible: command.kind === 'launch' ? queue : undefined };
    }
  }

  /** Microseconds the next step of a command takes; -1 if it will not run now. */
  #begin(queue: MemoryQueue, submission: Submission, command: Command): number {
    if (this.hanging) queue.hung = true;
    if (queue.hung) return -1;
    if (this.script === undefined && this.#options.latency === undefined) return 0;
    if (submission.pausedUs !== undefined) {
      const us = submission.pausedUs;
      submission.pausedUs = undefined;
      return us;
    }
    const { latency, random } = this.#options;
    let us = command.kind === 'launch' ? sample(latency?.unitUs, random) : 0;
    if (submission.begun) return us;
    submission.begun = true;
    us += this.#duration(command);
    const verdict = this.script?.start(command);
    if (this.gone !== undefined) return -1;
    if (verdict === undefined) return us;
    if (verdict.error !== undefined) {
      this.#fail(queue, verdict.error);
      return -1;
    }
    if (verdict.hang) {
      queue.hung = true;
      return -1;
    }
    return us + verdict.delayUs;
  }

  /** Simulated microseconds of a command as a whole. */
  #duration(command: Command): number {
    const { latency, random } = this.#options;
    if (latency === undefined) return 0;
    const us = sample(latency.commands?.[command.kind] ?? latency.command, random);
    if (latency.copyBytesPerUs === undefined || (command.kind !== 'copyIn' && command.kind !== 'copyOut')) return us;
    let { count } = command;
    if (command.kind === 'copyOut' && command.when !== undefined) {
      for (let i = 0; i < command.count; i++) if ((command.when[i]! & BIT_DIRTY) === 0) count--;
    }
    return us + (count * command.pageSize) / latency.copyBytesPerUs;
  }

  /** The time of a step has passed: it takes effect. */
  #finish(queue: MemoryQueue, submission: Submission, command: Command): void {
    if (queue.head !== submission) return;
    try {
      const outcome = this.executor.execute(queue, submission, command);
      if (queue.head !== submission) return;
      this.progress++;
      if (outcome === 'stalled') this.#stall(queue, submission);
      if (outcome !== 'done') return;
    } catch (error) {
      return this.#fail(queue, this.#asMirrorError(command, error));
    }
    this.#emit('command', queue.id, submission, { command: command.kind });
    submission.index++;
    submission.run = undefined;
    submission.begun = false;
    if (submission.index === submission.commands.length) this.#settle(queue, submission);
  }

  #stall(queue: MemoryQueue, submission: Submission): void {
    queue.stalled = true;
    this.#needsService = true;
    this.#emit('stall', queue.id, submission);
  }

  #settle(queue: MemoryQueue, submission: Submission): void {
    this.#emit('settle', queue.id, submission);
    queue.pop();
  }

  #fail(queue: MemoryQueue, error: MirrorError): void {
    const submission = queue.head;
    this.executor.faults.stalled -= submission?.run?.stalled ?? 0;
    this.#emit('fail', queue.id, submission, { code: error.code });
    queue.pop(error);
  }

  /** Interrupts a round of work units if something urgent can run; their state has to be saved first. */
  #preempt(busy: Busy, victim: MemoryQueue): void {
    const { clock, preemptionUs } = this.#options;
    const submission = victim.head;
    if (
      submission === undefined ||
      !this.queues.some((queue) => queue !== victim && queue.urgent > 0 && queue.runnable)
    )
      return;
    clock.cancel(busy.event);
    submission.pausedUs = busy.event.time - clock.now;
    this.#emit('preempt', victim.id, submission);
    const resident = submission.run?.resident ?? this.executor.residentOf(submission.commands[submission.index]);
    const us = preemptionUs * resident;
    const event = clock.after(us, () => {
      this.#busy = undefined;
      this.pump();
    });
    this.#busy = { event, interruptible: undefined };
  }

  #asMirrorError(command: Command, error: unknown): MirrorError {
    if (error instanceof MirrorError) return error;
    const { name } = this.#options;
    const message = error instanceof Error ? error.message : String(error);
    return new MirrorError(
      'INVALID_ARGUMENT',
      `${command.kind} on ${name} could not use what it was given: ${message}`,
      {
        device: name,
        cause: error,
      },
    );
  }

  #emit(
    type: DeviceEvent['type'],
    queue: number,
    submission: Submission | undefined,
    detail?: Pick<DeviceEvent, 'command' | 'address' | 'code'>,
  ): void {
    const { onEvent, clock } = this.#options;
    if (onEvent !== undefined)
      onEvent({ timeUs: clock.now, type, queue, value: submission?.fence.value ?? 0, ...detail });
  }
}

function notRun(error: MirrorError, fence: Fence): MirrorError {
  return new MirrorError(
    error.code,
    `Not run, because fence ${fence.value} of queue ${fence.queue}, which it waited for, failed: ${error.message}`,
    {
      cause: error,
    },
  );
}
