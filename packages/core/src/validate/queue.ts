import type { Command } from '../driver/command.js';
import type { CommandQueue, DeviceMmu, QueuePriority, SubmitOptions } from '../driver/device.js';
import { MirrorError } from '../driver/errors.js';
import type { Fence } from '../driver/fence.js';
import { checkCommands, type CheckContext } from '../kit/check-commands.js';
import { TimelineFence } from '../kit/timeline-fence.js';
import type { DeepCheck } from './deep-check.js';
import { DeviceQueue } from './device-queue.js';
import type { FaultCheck } from './fault-check.js';
import { ValidatedFence } from './fence.js';
import type { Reporter } from './report.js';
import type { ResultCheck } from './result-check.js';
import type { Undo } from './shadow.js';
import type { Submission } from './submission.js';
import type { Effects, TableCheck } from './table-check.js';
import type { Timelines } from './timelines.js';

/** What the queues of a validated device share. */
export interface QueueShared {
  readonly context: Omit<CheckContext, 'paging'>;
  readonly reporter: Reporter;
  readonly timelines: Timelines;
  readonly tables: TableCheck;
  readonly results: ResultCheck;
  readonly faults: FaultCheck;
  readonly deep: DeepCheck | undefined;
  /** `closed`: by the caller, who was told so. `lost`: commands no longer count. */
  state: 'open' | 'lost' | 'closed';
  mmu(id: number): DeviceMmu | 'closed' | undefined;
}

/** A queue that checks what goes in and what comes out. */
export class ValidatedQueue implements CommandQueue {
  readonly id: number;
  readonly priority: QueuePriority;
  readonly paging: boolean;
  private readonly deviceQueue: DeviceQueue;
  private readonly index: number;
  private readonly shared: QueueShared;

  constructor(inner: CommandQueue, index: number, shared: QueueShared) {
    this.id = inner.id;
    this.priority = inner.priority;
    this.paging = inner.paging;
    this.deviceQueue = new DeviceQueue(inner, shared.reporter);
    this.index = index;
    this.shared = shared;
  }

  get depth(): number {
    this.shared.faults.look();
    return this.deviceQueue.depth;
  }

  submit(commands: readonly Command[], options: SubmitOptions = {}): Fence {
    const { shared } = this;
    shared.faults.look();
    shared.reporter.throwUndelivered();
    const refusal = this.check(commands, options);
    const { after = [] } = options;
    const known = after.flatMap((fence) => (this.knows(fence) ? fence.submission : []));
    const foreign = after.some((fence) => !this.knows(fence) && !fence.signaled);
    const submission = shared.timelines.next(this.index, known, foreign);
    const undo: Undo = [];
    const effects: Effects = { touched: [], flushed: [], used: new Set(), discarded: new Set() };
    try {
      if (shared.state === 'open' && refusal === undefined) this.note(commands, submission, effects, undo);
      undo.push(shared.timelines.push(submission));
      return this.forward(commands, options, submission, effects, refusal);
    } catch (error) {
      for (const step of undo.reverse()) step();
      throw error;
    }
  }

  /** Submits without the caller's knowledge: its timeline does not count it. */
  submitHidden(commands: readonly Command[], options: SubmitOptions): Fence {
    return this.deviceQueue.submitHidden(commands, options);
  }

  /** Refuses malformed commands; returns the device's duty to refuse them as unsupported. */
  private check(commands: readonly Command[], options: SubmitOptions): MirrorError | undefined {
    const { shared, paging } = this;
    const refuse = (why: string): never =>
      shared.reporter.refuse('argument', `a submission to queue ${this.id}: ${why}`);
    if (shared.state === 'closed') {
      return shared.reporter.refuse(
        'close',
        `a submission to queue ${this.id} after the device was closed. Stop submitting once \`close\` or \`lost\` resolved`,
      );
    }
    try {
      checkCommands(commands, { ...shared.context, mmu: (id) => shared.mmu(id), paging }, options);
    } catch (error) {
      if (error instanceof MirrorError && error.code === 'UNSUPPORTED') return error;
      return refuse(error instanceof Error ? error.message : String(error));
    }
    for (const command of commands) {
      if ('mmu' in command && shared.mmu(command.mmu) === 'closed')
        refuse(`${command.kind} names MMU ${command.mmu}, which was closed`);
    }
    return undefined;
  }

  private note(commands: readonly Command[], submission: Submission, effects: Effects, undo: Undo): void {
    const { tables, results, faults } = this.shared;
    const filled = new Set<Uint8Array>();
    commands.forEach((command, i) => {
      const where = `${command.kind} (command ${i} of ${submission})`;
      const bits = 'bits' in command ? command.bits : undefined;
      // Two commands that fill one array leave only the last one's bits in it.
      const checked = bits !== undefined && filled.has(bits) ? undefined : command;
      if (bits !== undefined) filled.add(bits);
      if (checked !== undefined) results.command(checked, where, submission, i === commands.length - 1);
      tables.command(command, where, submission, effects, undo);
      faults.command(command, submission);
    });
    submission.checks.push((signaled, error) => {
      if (signaled) return;
      tables.failed(submission, effects);
      // An access fails so, too, where another device took its page along.
      if (this.paging && error?.code === 'DEVICE_LOST' && this.shared.state === 'open') this.shared.state = 'lost';
    });
  }

  private forward(
    commands: readonly Command[],
    options: SubmitOptions,
    submission: Submission,
    effects: Effects,
    refusal: MirrorError | undefined,
  ): Fence {
    const { reporter, deep, faults, state } = this.shared;
    const passed: SubmitOptions =
      options.after === undefined ? options : { ...options, after: options.after.map(unwrap) };
    const hidden = (more: readonly Command[], how: SubmitOptions): Fence => this.submitHidden(more, how);
    const watch = deep !== undefined && state === 'open' && refusal === undefined;
    if (watch) deep.before(effects, passed, hidden);
    const inner = this.deviceQueue.submit(commands, passed, refusal);
    submission.inner = inner;
    if (inner instanceof TimelineFence) inner.onSettled(() => faults.look());
    faults.look();
    if (refusal !== undefined) {
      reporter.report(
        'backend',
        'claim',
        `${submission} was taken, but asks for what the device does not claim: throw UNSUPPORTED from submit (${refusal.message})`,
      );
    }
    if (watch) deep.after(submission, effects, hidden);
    return new ValidatedFence(submission, inner, reporter, () => faults.look());
  }

  private knows(fence: Fence): fence is ValidatedFence {
    return fence instanceof ValidatedFence && fence.reporter === this.shared.reporter;
  }
}

function unwrap(fence: Fence): Fence {
  return fence instanceof ValidatedFence ? fence.inner : fence;
}
