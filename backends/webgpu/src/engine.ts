import type { CancelFaultsCommand, Command, FaultRing, ReplayFaultsCommand } from '@mirrorspace/core/driver';
import {
  cancelledAccess,
  MirrorError,
  type Submission,
  type SubmissionOwner,
  type SubmissionQueue,
} from '@mirrorspace/core/driver';
import type { Stream } from './gpu/stream.js';
import type { Outcome, Run } from './run/run.js';

const RANK = { low: 0, normal: 1, high: 2 } as const;

/** What the engine runs on. */
export interface EngineHost {
  readonly name: string;
  readonly stream: Stream;
  readonly faults: FaultRing;
  /** What happened to the device is not known any more: it is given up. */
  lose(message: string): void;
  /** Gives a paging command its effect. @throws whatever makes it fail */
  page(command: Command): Promise<void> | void;
  /** Begins an access command or a launch; `undefined` for other commands. @throws whatever makes it fail */
  begin(command: Command, queue: number): Run | undefined;
}

/** A queue, and what is under way at its head. */
interface Lane {
  readonly queue: SubmissionQueue;
  run: Run | undefined;
  /** The head waits for a replay. */
  stalled: boolean;
  /** A step of the head is under way. */
  stepping: boolean;
  /** Why the head ends with the step that is under way. */
  ending: MirrorError | undefined;
  /** The head waits for what its next step needs. */
  preparing: boolean;
}

/**
 * Runs one thing at a time: a command, or a round of a launch. Then the queue of the highest priority that can go on is next, equals
 * in turn. Never from inside `submit`.
 */
export class Engine implements SubmissionOwner {
  gone: MirrorError | undefined;
  readonly #host: EngineHost;
  readonly #lanes: Lane[] = [];
  #steps = 0;
  #last = 0;
  #running = false;
  #kicked = false;
  /** It makes no progress any more; for the conformance suite. */
  hanging = false;

  constructor(host: EngineHost) {
    this.#host = host;
  }

  /** Adds a queue. */
  add(queue: SubmissionQueue): void {
    this.#lanes.push({ queue, run: undefined, stalled: false, stepping: false, ending: undefined, preparing: false });
  }

  heartbeat(): number {
    return this.#steps;
  }

  kick(): void {
    if (this.#kicked || this.#running) return;
    this.#kicked = true;
    queueMicrotask(() => {
      this.#kicked = false;
      void this.#pump();
    });
  }

  /** Ends everything: all pending fences fail with `error`, and so does every later one. */
  stop(error: MirrorError): void {
    this.gone = error;
    for (const lane of this.#lanes) while (lane.queue.depth > 0) this.#fail(lane, error);
  }

  /** Fails what is stalled on an MMU that was closed, and what has begun there; a step that is under way ends first. */
  closeMmu(id: number, error: MirrorError): void {
    for (const lane of this.#lanes) {
      if (lane.run?.mmu.id !== id) continue;
      if (lane.stepping) lane.ending = error;
      else this.#fail(lane, error);
    }
    this.kick();
  }

  /** Lets what is stalled on an MMU try again: of a launch also units that stalled while it still has others to start. */
  replay({ mmu, window = Infinity }: ReplayFaultsCommand): void {
    for (const lane of this.#lanes) {
      if (lane.run === undefined || lane.run.mmu.id !== mmu || lane.run.stalled === 0) continue;
      lane.run.replay(window);
      lane.stalled = false;
    }
  }

  /** Fails what is stalled on pages of a list. */
  cancel(command: CancelFaultsCommand): void {
    for (const lane of this.#lanes) {
      if (lane.run === undefined || lane.run.mmu.id !== command.mmu || lane.run.stalled === 0) continue;
      const hit = lane.run.cancelled(command);
      if (hit !== undefined) this.#fail(lane, cancelledAccess(this.#host.name, hit.address, hit.reason));
    }
  }

  async #pump(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      for (let lane = this.#pick(); lane !== undefined; lane = this.#pick()) {
        const work = this.#step(lane, lane.queue.head!);
        if (work !== undefined) await work;
        if (this.#host.stream.full) await this.#host.stream.drained();
      }
      this.#host.stream.submit();
    } finally {
      this.#running = false;
    }
  }

  #pick(): Lane | undefined {
    if (this.hanging || this.gone !== undefined) return undefined;
    let best: Lane | undefined;
    const lanes = this.#lanes;
    for (let i = 1; i <= lanes.length; i++) {
      const lane = lanes[(this.#last + i) % lanes.length]!;
      if (lane.stalled || lane.preparing || lane.queue.next() === undefined) continue;
      if (best === undefined || RANK[lane.queue.priority] > RANK[best.queue.priority]) best = lane;
    }
    if (best !== undefined) this.#last = lanes.indexOf(best);
    return best;
  }

  /** Goes on with the head of a queue: one command, or one round of a launch. */
  #step(lane: Lane, submission: Submission): Promise<void> | undefined {
    const command = submission.commands[submission.index];
    if (command === undefined) {
      lane.queue.settle();
      return undefined;
    }
    try {
      lane.run ??= this.#host.begin(command, lane.queue.id);
      const { run } = lane;
      const waits = run?.prepare?.();
      if (waits !== undefined) {
        this.#park(lane, submission, waits);
        return undefined;
      }
      const result = this.#host.stream.guard(() => (run === undefined ? this.#host.page(command) : run.step()));
      if (!(result instanceof Promise)) {
        this.#after(lane, submission, result ?? 'done');
        return undefined;
      }
      lane.stepping = true;
      return result.then(
        (outcome) => this.#after(lane, submission, outcome ?? 'done'),
        (error: unknown) => this.#failed(lane, submission, error),
      );
    } catch (error) {
      this.#failed(lane, submission, error);
      return undefined;
    }
  }

  /** Lets other queues go on until a run has what it needs. */
  #park(lane: Lane, submission: Submission, waits: Promise<void>): void {
    const { run } = lane;
    lane.preparing = true;
    const settle = (then: () => void) => {
      // It may have failed meanwhile, and the next one be at the head.
      if (lane.queue.head !== submission || lane.run !== run) return;
      lane.preparing = false;
      then();
      this.kick();
    };
    waits.then(
      () => settle(() => undefined),
      (error: unknown) => settle(() => this.#failed(lane, submission, error)),
    );
  }

  #after(lane: Lane, submission: Submission, outcome: Outcome): void {
    lane.stepping = false;
    // Meanwhile the device may have gone.
    if (lane.queue.head !== submission) return;
    if (lane.ending !== undefined) {
      this.#fail(lane, lane.ending);
      return;
    }
    this.#steps++;
    if (outcome === 'stalled') {
      lane.stalled = true;
      this.#host.faults.wake();
    }
    if (outcome !== 'done') return;
    lane.run = undefined;
    submission.index++;
    if (submission.index === submission.commands.length) lane.queue.settle();
  }

  #failed(lane: Lane, submission: Submission, error: unknown): void {
    lane.stepping = false;
    if (lane.queue.head !== submission) return;
    if (isTyped(error)) this.#fail(lane, lane.ending ?? this.#errorOf(error));
    // A read-back failed: whether the command took effect, nobody can say.
    else this.#host.lose(`a command failed: ${error instanceof Error ? error.message : String(error)}`);
  }

  #fail(lane: Lane, error: MirrorError): void {
    this.#host.faults.stalled -= lane.run?.stalled ?? 0;
    lane.run = undefined;
    lane.stalled = false;
    lane.preparing = false;
    lane.ending = undefined;
    lane.queue.settle(error);
    this.kick();
  }

  #errorOf(cause: Typed): MirrorError {
    const { name } = this.#host;
    if (cause instanceof MirrorError) return cause;
    return new MirrorError('INVALID_ARGUMENT', `${name} could not use what it was given: ${cause.message}`, {
      device: name,
      cause,
    });
  }
}

/** Errors of one command, which leave the device as it was. */
type Typed = MirrorError | RangeError | TypeError;

function isTyped(error: unknown): error is Typed {
  return error instanceof MirrorError || error instanceof RangeError || error instanceof TypeError;
}
