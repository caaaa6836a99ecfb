import {
  type CheckContext,
  type Command,
  type DeviceFeature,
  type DeviceInfo,
  type DeviceLimits,
  type DeviceMmu,
  MirrorError,
  type MmuTable,
  type Submission,
  type SubmissionOwner,
  SubmissionQueue,
} from '@mirrorspace/core/driver';
import { inTime, PATIENCE_MS } from './in-time.js';

/** What lanes need to know of their device. */
export interface LaneDevice {
  readonly info: DeviceInfo;
  readonly limits: DeviceLimits;
  readonly features: ReadonlySet<DeviceFeature>;
}

/** How lanes are made. */
export interface LaneOptions {
  /** User queues, at least 1. Default: 1. */
  readonly userQueues?: number;
  /** Called before a fence settles, with its value; what it returns the fence fails with, unless it has failed. Never throws. */
  readonly settling?: (queue: SubmissionQueue, value: number) => MirrorError | undefined;
}

/** A queue that tells before one of its fences settles, for whatever reason. */
class TellingQueue extends SubmissionQueue {
  constructor(
    id: number,
    check: CheckContext,
    owner: SubmissionOwner,
    private readonly settling: LaneOptions['settling'],
  ) {
    super(id, 'normal', check, owner);
  }

  override settle(error?: MirrorError): void {
    const { head } = this;
    const refused = head === undefined ? undefined : this.settling?.(this, head.fence.value);
    super.settle(error ?? refused);
  }
}

/**
 * Runs what is submitted to a device whose commands take time: each queue in order, one command after the other, queues beside each other.
 * For drivers behind ioctls, which run on threads of their own.
 */
export class CommandLanes implements SubmissionOwner {
  /** Queue 0 is the paging queue, the others are user queues. */
  readonly queues: readonly [paging: SubmissionQueue, user: SubmissionQueue, ...more: SubmissionQueue[]];
  gone: MirrorError | undefined;
  private executed = 0;
  private readonly running = new Map<SubmissionQueue, Promise<void>>();
  /** What each queue does now. */
  private readonly current = new Map<SubmissionQueue, Command>();

  /** @param execute gives a command its effect; what it throws, its submission fails with */
  constructor(
    private readonly device: LaneDevice,
    private readonly mmus: MmuTable<DeviceMmu>,
    private readonly execute: (command: Command, queue: SubmissionQueue) => Promise<void>,
    { userQueues = 1, settling }: LaneOptions = {},
  ) {
    const { info, limits, features } = device;
    const create = (id: number, paging: boolean) =>
      new TellingQueue(id, { device: info.name, limits, features, paging, mmu: mmus.lookup }, this, settling);
    const more = Array.from({ length: userQueues - 1 }, (_, i) => create(i + 2, false));
    this.queues = [create(0, true), create(1, false), ...more];
  }

  heartbeat(): number {
    return this.executed;
  }

  kick(): void {
    queueMicrotask(() => {
      for (const queue of this.queues) {
        if (this.running.has(queue) || this.gone !== undefined || queue.next() === undefined) continue;
        this.running.set(queue, this.run(queue));
      }
    });
  }

  /**
   * Fails all that is pending and all that comes; resolves when nothing is under way any more.
   * @throws MirrorError `DEVICE_TIMEOUT` where the driver has not answered by then: what it was asked is still under way
   */
  async stop(error: MirrorError, timeoutMs = PATIENCE_MS): Promise<void> {
    this.gone ??= error;
    for (const queue of this.queues) while (queue.depth > 0) queue.settle(this.gone);
    const what = Array.from(this.current, ([queue, { kind }]) => `${kind} on queue ${queue.id}`);
    await inTime(this.device.info.name, what.join(' and '), this.idle(), timeoutMs);
  }

  /** Resolves when nothing is under way any more, however long that takes. */
  async idle(): Promise<void> {
    await Promise.all(this.running.values());
  }

  private async run(queue: SubmissionQueue): Promise<void> {
    for (let head = queue.next(); head !== undefined && this.gone === undefined; head = queue.next()) {
      const failure = await this.runAll(head, queue);
      // Its fence failed already when the device went meanwhile.
      if (queue.head === head) queue.settle(failure);
    }
    this.running.delete(queue);
    if (queue.depth > 0) this.kick();
  }

  private async runAll(submission: Submission, queue: SubmissionQueue): Promise<MirrorError | undefined> {
    try {
      for (; submission.index < submission.commands.length; submission.index++) {
        if (this.gone !== undefined) return this.gone;
        const command = submission.commands[submission.index]!;
        if ('mmu' in command) this.mmus.get(command.mmu);
        this.current.set(queue, command);
        await this.execute(command, queue);
        this.executed++;
      }
    } catch (cause) {
      if (cause instanceof MirrorError) return cause;
      const { name } = this.device.info;
      return new MirrorError('IO', `A command failed on ${name}: ${String(cause)}`, { device: name, cause });
    } finally {
      this.current.delete(queue);
    }
    return undefined;
  }
}
