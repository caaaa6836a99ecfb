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
    this.#lanes.push({ queue, run: undefined, stalled: false });
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

  /** Fails what is stalled on an MMU that was closed; what runs on it fails at its next step. */
  closeMmu(id: number, error: MirrorError): void {
    for (const lane of this.#lanes) if (lane.stalled && lane.run?.mmu.id === id) this.#fail(lane, error);
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
      if (lane.stalled || lane.queue.next() === undefined) continue;
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
      const result = lane.run === undefined ? this.#host.page(command) : lane.run.step();
      if (!(result instanceof Promise)) {
        this.#after(lane, submission, result ?? 'done');
        return undefined;
      }
      return result.then(
        (outcome) => this.#after(lane, submission, outcome ?? 'done'),
        (error: unknown) => this.#failed(lane, submission, error),
      );
    } catch (error) {
      this.#failed(lane, submission, error);
      return undefined;
    }
  }

  #after(lane: Lane, submission: Submission, outcome: Outcome): void {
    // Meanwhile the device may have gone.
    if (lane.queue.head !== submission) return;
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
    if (lane.queue.head === submission) this.#fail(lane, this.#errorOf(error));
  }

  #fail(lane: Lane, error: MirrorError): void {
    this.#host.faults.stalled -= lane.run?.stalled ?? 0;
    lane.run = undefined;
    lane.stalled = false;
    lane.queue.settle(error);
    this.kick();
  }

  #errorOf(cause: unknown): MirrorError {
    const { name } = this.#host;
    if (cause instanceof MirrorError) return cause;
    if (cause instanceof RangeError || cause instanceof TypeError)
      return new MirrorError('INVALID_ARGUMENT', `${name} could not use what it was given: ${cause.message}`, {
        device: name,
        cause,
      });
    return new MirrorError('IO', `a command failed on ${name}: ${String(cause)}`, { device: name, cause });
  }
}
