import {
  type Command,
  type CommandQueue,
  type Device,
  type DeviceFeature,
  type DeviceLimits,
  type DeviceLostInfo,
  type DeviceMmu,
  FAULT_READ,
  FAULT_WRITE,
  type FaultBatch,
  type FaultSource,
  type Fence,
  MirrorError,
  type MmuOptions,
  type QueuePriority,
  TimelineFence,
} from '@mirrorspace/core';

const FAULT_BUFFER = 256;

/**
 * A device that executes nothing: its faults come from a list and its commands take effect nowhere, so that what is left
 * is the work of core. Every access counts as done with the replay after its fault.
 */
export class NullDevice implements Device {
  readonly info = { name: 'null:0', backend: 'null', description: 'a device that executes nothing' };
  readonly features: ReadonlySet<DeviceFeature> = new Set([
    'accessed-bits',
    'dirty-bits',
    'replayable-faults',
    'read-only-maps',
  ]);
  readonly limits: DeviceLimits;
  readonly faults = new ListedFaults();
  readonly queues: readonly CommandQueue[];
  readonly lost: Promise<DeviceLostInfo>;
  private resolveLost: (info: DeviceLostInfo) => void = () => undefined;

  /** @param memory bytes of device memory, @param pageSize bytes a page */
  constructor(memory: number, pageSize: number) {
    this.limits = {
      pageSizes: [pageSize],
      memory,
      addressBits: 47,
      faultBuffer: FAULT_BUFFER,
      pagesPerCommand: 65_536,
      commandsPerSubmit: 1024,
      residentUnits: FAULT_BUFFER,
      preemptionUs: 0,
    };
    this.queues = [new NullQueue(0, 'normal', false, this.faults), new NullQueue(1, 'high', true, this.faults)];
    this.lost = new Promise((resolve) => (this.resolveLost = resolve));
  }

  now(): number {
    return performance.now() * 1000;
  }

  async createMmu(options: MmuOptions): Promise<DeviceMmu> {
    const { addressBits, faultPageSize = this.limits.pageSizes[0]! } = options;
    return { id: 0, kind: 'managed', addressBits, faultPageSize, close: () => Promise.resolve() };
  }

  close(): Promise<void> {
    this.resolveLost({ reason: 'closed', message: 'closed by close()' });
    return Promise.resolve();
  }
}

/** Faults on the pages of a list, a bufferful at a time. */
class ListedFaults implements FaultSource {
  readonly capacity = FAULT_BUFFER;
  readonly dropped = 0;
  retired = 0;
  stalled = 0;
  pending = 0;
  private pages: Float64Array = new Float64Array(0);
  private access = FAULT_READ;
  private next = 0;
  private listener: (() => void) | null = null;
  private finish: () => void = () => undefined;

  /** Faults on every page of a list in turn; resolves when all were served. */
  start(pages: Float64Array, access: 'read' | 'write'): Promise<void> {
    this.pages = pages;
    this.access = access === 'read' ? FAULT_READ : FAULT_WRITE;
    this.next = 0;
    return new Promise((resolve) => {
      this.finish = resolve;
      this.stall();
    });
  }

  drain(batch: FaultBatch): number {
    const count = Math.min(this.pending, batch.capacity);
    for (let i = 0; i < count; i++) {
      batch.mmus[i] = 0;
      batch.pages[i] = this.pages[this.next + i]!;
      batch.access[i] = this.access;
      batch.queues[i] = 0;
    }
    batch.count = count;
    this.next += count;
    this.pending -= count;
    return count;
  }

  listen(listener: (() => void) | null): void {
    this.listener = listener;
  }

  /** Accesses whose faults were drained go through; the next ones fault. */
  replay(): void {
    if (this.pending > 0) return;
    this.retired += this.stalled;
    this.stalled = 0;
    if (this.next < this.pages.length) this.stall();
    else this.finish();
  }

  private stall(): void {
    this.stalled = this.pending = Math.min(this.capacity, this.pages.length - this.next);
    this.listener?.();
  }
}

class NullQueue implements CommandQueue {
  readonly depth = 0;
  readonly id: number;
  readonly priority: QueuePriority;
  readonly paging: boolean;
  private readonly faults: ListedFaults;
  private submissions = 0;

  constructor(id: number, priority: QueuePriority, paging: boolean, faults: ListedFaults) {
    this.id = id;
    this.priority = priority;
    this.paging = paging;
    this.faults = faults;
  }

  submit(commands: readonly Command[]): Fence {
    const fence = new TimelineFence(this.id, ++this.submissions, this);
    fence.settle();
    for (const command of commands) {
      if (command.kind === 'replayFaults') this.faults.replay();
      else if (command.kind === 'cancelFaults')
        throw new MirrorError('CONTRACT_VIOLATION', 'no fault should fail here');
    }
    return fence;
  }

  heartbeat(): number {
    return this.submissions;
  }

  describe(): string {
    return 'nothing is ever pending';
  }
}
