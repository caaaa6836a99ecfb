import type { Command } from '../driver/command.js';
import type { DeviceFeature, DeviceInfo, DeviceLimits, DeviceMmu } from '../driver/device.js';
import { MirrorError } from '../driver/errors.js';
import type { FaultRing } from './fault-ring.js';
import type { MmuTable } from './mmu-table.js';
import { type Submission, type SubmissionOwner, SubmissionQueue } from './submission-queue.js';

/** What a {@link CommandLoop} needs to know of its device. */
export interface LoopDevice {
  /** Names the device in messages. */
  readonly info: DeviceInfo;
  /** Numbers that submissions are checked against. */
  readonly limits: DeviceLimits;
  /** What submissions may use. */
  readonly features: ReadonlySet<DeviceFeature>;
  /** The loop keeps `stalled` and wakes the listener; the device reports and counts `retired`. */
  readonly faults: FaultRing;
}

/**
 * Gives a command its effect. `'stalled'`: it waits for a page; it is executed again after {@link CommandLoop.resume}.
 * What it throws, its submission fails with. Commands for an MMU that was closed fail before they come here.
 */
export type Execute = (command: Command, queue: SubmissionQueue) => 'stalled' | void;

/**
 * Runs what is submitted, one command at a time, for a device whose commands take effect at once: the first paging queue
 * before the user queues, each queue in order. Never from inside `submit`: in a microtask after it.
 */
export class CommandLoop implements SubmissionOwner {
  /** Queue 0 is the paging queue, the others are user queues. */
  readonly queues: readonly [paging: SubmissionQueue, user: SubmissionQueue, ...more: SubmissionQueue[]];
  readonly #device: LoopDevice;
  readonly #mmus: MmuTable<DeviceMmu>;
  readonly #execute: Execute;
  readonly #stalled = new Set<SubmissionQueue>();
  #gone: MirrorError | undefined;
  #executed = 0;
  #kicked = false;

  /** @param userQueues at least 1 */
  constructor(device: LoopDevice, mmus: MmuTable<DeviceMmu>, execute: Execute, userQueues = 1) {
    this.#device = device;
    this.#mmus = mmus;
    this.#execute = execute;
    const { info, limits, features } = device;
    const create = (id: number, paging: boolean) =>
      new SubmissionQueue(id, 'normal', { device: info.name, limits, features, paging, mmu: mmus.lookup }, this);
    const more = Array.from({ length: userQueues - 1 }, (_, i) => create(i + 2, false));
    this.queues = [create(0, true), create(1, false), ...more];
  }

  get gone(): MirrorError | undefined {
    return this.#gone;
  }

  heartbeat(): number {
    return this.#executed;
  }

  kick(): void {
    if (this.#kicked) return;
    this.#kicked = true;
    queueMicrotask(() => {
      this.#kicked = false;
      this.#turn();
    });
  }

  /** Lets the head of a queue try again, if it is stalled. */
  resume(queue: SubmissionQueue): void {
    this.#stalled.delete(queue);
    this.#device.faults.stalled = this.#stalled.size;
    this.kick();
  }

  /** Fails the head of a queue, if there is one: its access was refused, or its MMU closed. */
  fail(queue: SubmissionQueue, error: MirrorError): void {
    this.resume(queue);
    queue.settle(error);
  }

  /** Ends everything: all pending fences fail with `error`, and so does every later one. */
  stop(error: MirrorError): void {
    this.#gone = error;
    for (const queue of this.queues) while (queue.depth > 0) this.fail(queue, error);
  }

  #turn(): void {
    let wake = false;
    const ready = (queue: SubmissionQueue) => !this.#stalled.has(queue) && queue.next() !== undefined;
    for (let queue = this.queues.find(ready); queue !== undefined; queue = this.queues.find(ready)) {
      this.#run(queue, queue.head!);
      wake ||= this.#stalled.has(queue);
    }
    if (wake && this.#stalled.size > 0) this.#device.faults.wake();
  }

  /** Runs a submission until it ends, fails or stalls. */
  #run(queue: SubmissionQueue, submission: Submission): void {
    let failure: MirrorError | undefined;
    try {
      for (; submission.index < submission.commands.length; submission.index++) {
        const command = submission.commands[submission.index]!;
        if ('mmu' in command) this.#mmus.get(command.mmu);
        if (this.#execute(command, queue) === 'stalled') return this.#stall(queue);
        this.#executed++;
      }
    } catch (error) {
      failure = this.#errorOf(error);
    }
    queue.settle(failure);
  }

  #stall(queue: SubmissionQueue): void {
    this.#stalled.add(queue);
    this.#device.faults.stalled = this.#stalled.size;
  }

  #errorOf(cause: unknown): MirrorError {
    if (cause instanceof MirrorError) return cause;
    const { name } = this.#device.info;
    return new MirrorError('IO', `A command failed on ${name}: ${String(cause)}`, { device: name, cause });
  }
}
