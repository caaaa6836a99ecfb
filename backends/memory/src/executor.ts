import type {
  CancelFaultsCommand,
  Command,
  DeviceFeature,
  FaultRing,
  ReplayFaultsCommand,
} from '@mirrorspace/core/driver';
import { cancelledAccess, MirrorError } from '@mirrorspace/core/driver';
import { AccessRun } from './access.js';
import { Unit } from './context.js';
import type { FramePool } from './frames.js';
import { LaunchRun } from './launch.js';
import type { Mmu } from './mmu.js';
import * as paging from './paging.js';
import type { MemoryQueue, Submission } from './queue.js';
import type { Outcome, Run } from './run.js';

/** What commands act on, and what they do to the schedule. */
export interface ExecutorOptions {
  readonly name: string;
  readonly pool: FramePool;
  readonly poison: boolean;
  readonly faults: FaultRing;
  readonly features: ReadonlySet<DeviceFeature>;
  readonly residentUnits: number;
  readonly queues: readonly MemoryQueue[];
  /** The head of a queue failed. */
  readonly fail: (queue: MemoryQueue, error: MirrorError) => void;
  /** A fault was reported. */
  readonly faulted: (queue: number, address: number) => void;
}

/** Gives commands their effect, in one step or, for those that may stall, in several. */
export class Executor implements paging.PagingTarget {
  readonly name: string;
  readonly pool: FramePool;
  readonly poison: boolean;
  readonly faults: FaultRing;
  readonly residentUnits: number;
  readonly unit: Unit;
  readonly mmus = new Map<number, Mmu>();
  readonly #options: ExecutorOptions;
  readonly #replays: boolean;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#replays = options.features.has('replayable-faults');
    this.name = options.name;
    this.pool = options.pool;
    this.poison = options.poison;
    this.faults = options.faults;
    this.residentUnits = options.residentUnits;
    this.unit = new Unit(options.pool, options.features.has('atomics'), this.report);
  }

  /** Runs a command, or its next step. @throws whatever makes the command fail */
  execute(queue: MemoryQueue, submission: Submission, command: Command): Outcome {
    switch (command.kind) {
      case 'map':
        paging.map(this, this.#mmu(command.mmu), command);
        return 'done';
      case 'unmap':
        paging.unmap(this.#mmu(command.mmu), command);
        return 'done';
      case 'protect':
        paging.protect(this.#mmu(command.mmu), command);
        return 'done';
      case 'flushTlb':
        paging.flushTlb(this.#mmu(command.mmu), command);
        return 'done';
      case 'harvest':
        paging.harvest(this.#mmu(command.mmu), command);
        return 'done';
      case 'copyIn':
        paging.copyIn(this, command);
        return 'done';
      case 'copyOut':
        paging.copyOut(this, command);
        return 'done';
      case 'discard':
        paging.discard(this, command);
        return 'done';
      case 'replayFaults':
        this.#replay(command);
        return 'done';
      case 'cancelFaults':
        this.#cancel(command);
        return 'done';
      case 'launch':
        return this.#step((submission.run ??= new LaunchRun(this, this.#mmu(command.mmu), queue.id, command)));
      case 'read':
      case 'write':
      case 'fill':
      case 'atomicAdd':
        return this.#step((submission.run ??= new AccessRun(this, this.#mmu(command.mmu), queue.id, command)));
      default:
        throw new MirrorError(
          'UNSUPPORTED',
          `${this.name} has managed MMUs only; ${command.kind} is for mirroring ones.`,
          {
            device: this.name,
          },
        );
    }
  }

  /** An access faulted. Returns the error it ends in where the device cannot stall. */
  readonly report = (mmu: Mmu, address: number, access: number, queue: number): MirrorError | undefined => {
    if (this.#replays) {
      this.faults.report(mmu.id, Math.floor(address / mmu.faultPageSize), access, queue);
      this.#options.faulted(queue, address);
      return undefined;
    }
    const denied = mmu.denies(Math.floor(address / mmu.pageBytes));
    return new MirrorError(
      denied ? 'ACCESS_DENIED' : 'ADDRESS_NOT_MAPPED',
      `${this.name} cannot wait for pages, and ${denied ? 'may not write' : 'has no page for'} address 0x${address.toString(16)}.`,
      { device: this.name, address },
    );
  };

  /** Work units that a launch which has not run yet will have in flight. */
  residentOf(command: Command | undefined): number {
    if (command?.kind !== 'launch') return 1;
    return Math.min(this.residentUnits, command.grid[0] * command.grid[1] * command.grid[2]);
  }

  #step(run: Run): Outcome {
    if (!run.mmu.open) throw this.closedMmu(run.mmu.id);
    return run.step();
  }

  #mmu(id: number): Mmu {
    const mmu = this.mmus.get(id);
    if (mmu === undefined) throw this.closedMmu(id);
    return mmu;
  }

  closedMmu(id: number): MirrorError {
    return new MirrorError('CLOSED', `MMU ${id} of ${this.name} was closed.`, { device: this.name });
  }

  #replay(command: ReplayFaultsCommand): void {
    const mmu = this.#mmu(command.mmu);
    for (const queue of this.#options.queues) {
      const run = queue.head?.run;
      if (run === undefined || run.mmu !== mmu || run.stalled === 0) continue;
      run.replay(command.window ?? Infinity);
      queue.stalled = false;
    }
  }

  #cancel(command: CancelFaultsCommand): void {
    const mmu = this.#mmu(command.mmu);
    for (const queue of this.#options.queues) {
      const run = queue.head?.run;
      if (run === undefined || run.mmu !== mmu) continue;
      const hit = run.cancelled(command);
      if (hit === undefined) continue;
      this.#options.fail(queue, cancelledAccess(this.name, hit.address, hit.reason));
    }
  }
}
