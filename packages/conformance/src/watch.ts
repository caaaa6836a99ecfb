import type {
  Command,
  CommandQueue,
  Device,
  DeviceLimits,
  FaultBatch,
  FaultSource,
  Fence,
  SubmitOptions,
} from '@mirrorspace/core/driver';
import { CheckError } from './check.js';

/** Limits a case may lower. Raising one is refused. */
export type LowerLimits = Partial<
  Pick<DeviceLimits, 'memory' | 'faultBuffer' | 'pagesPerCommand' | 'commandsPerSubmit' | 'residentUnits'>
>;

interface Submission {
  readonly queue: number;
  readonly kinds: string;
  readonly fence: Fence;
}

/** A device as a case sees it: the backend's own, with limits lowered where asked for, and every fence remembered. */
export class WatchedDevice implements Device {
  readonly limits: DeviceLimits;
  readonly queues: readonly CommandQueue[];
  readonly faults: FaultSource;
  private readonly submissions: Submission[] = [];

  constructor(
    /** The device that the backend under test opened, wrapped where the case asked for it. */
    readonly inner: Device,
    lower: LowerLimits = {},
  ) {
    const limits = { ...inner.limits };
    for (const [name, value] of Object.entries(lower)) {
      const key = name as keyof LowerLimits;
      limits[key] = Math.min(limits[key], value);
    }
    this.limits = limits;
    this.queues = inner.queues.map((queue) => this.watchQueue(queue));
    this.faults =
      limits.faultBuffer < inner.limits.faultBuffer ? narrow(inner.faults, limits.faultBuffer) : inner.faults;
  }

  get info(): Device['info'] {
    return this.inner.info;
  }
  get features(): Device['features'] {
    return this.inner.features;
  }
  get lost(): Device['lost'] {
    return this.inner.lost;
  }
  now(): number {
    return this.inner.now();
  }
  createMmu(options: Parameters<Device['createMmu']>[0]): ReturnType<Device['createMmu']> {
    return this.inner.createMmu(options);
  }
  close(): Promise<void> {
    return this.inner.close();
  }

  /** Submissions that did not settle, as one line each. */
  unsettled(): string[] {
    return this.submissions
      .filter(({ fence }) => !fence.signaled && !fence.error)
      .map(({ queue, kinds, fence }) => `fence ${fence.value} of queue ${queue} (${kinds})`);
  }

  /** Where the device stands, for messages. */
  describe(): string {
    const open = this.unsettled();
    const shown = open.slice(0, 4).join(', ') + (open.length > 4 ? ` and ${open.length - 4} more` : '');
    const { stalled, pending, retired } = this.faults;
    return `${this.info.name}: unsettled ${shown || 'nothing'}; ${stalled} stalled, ${pending} faults pending, ${retired} retired`;
  }

  private watchQueue(queue: CommandQueue): CommandQueue {
    const { submissions } = this;
    const lowered = loweredOnly(this.limits, this.inner.limits);
    return {
      id: queue.id,
      priority: queue.priority,
      paging: queue.paging,
      get depth(): number {
        return queue.depth;
      },
      submit(commands: readonly Command[], options?: SubmitOptions): Fence {
        respect(lowered, commands);
        const fence = options ? queue.submit(commands, options) : queue.submit(commands);
        const kinds = isList(commands) ? commands.map((command) => command?.kind).join(', ') : 'malformed';
        submissions.push({ queue: queue.id, kinds, fence });
        return fence;
      },
    };
  }
}

/** Limits that were lowered; what the device itself must refuse is left to it, and so to its cases. */
function loweredOnly(limits: DeviceLimits, own: DeviceLimits): HeldLimits {
  const held = { commandsPerSubmit: Infinity, pagesPerCommand: Infinity, memory: Infinity };
  for (const name of ['commandsPerSubmit', 'pagesPerCommand', 'memory'] as const) {
    if (limits[name] < own[name]) held[name] = limits[name];
  }
  return held;
}

type HeldLimits = Pick<DeviceLimits, 'commandsPerSubmit' | 'pagesPerCommand' | 'memory'>;

/** Holds the caller to lowered limits, as the device itself holds it to its own. */
function respect(limits: HeldLimits, commands: readonly Command[]): void {
  if (!isList(commands)) return;
  if (commands.length > limits.commandsPerSubmit) {
    throw new RangeError(`${commands.length} commands in a submission; the device takes ${limits.commandsPerSubmit}`);
  }
  for (const command of commands) {
    if (typeof command !== 'object' || command === null) continue;
    const count = 'count' in command ? (command.count ?? 0) : 0;
    if (count > limits.pagesPerCommand) {
      throw new RangeError(`${command.kind} lists ${count} pages; the device takes ${limits.pagesPerCommand}`);
    }
    if (!('frames' in command) || !(command.frames instanceof Uint32Array)) continue;
    const end = Math.floor(limits.memory / command.pageSize);
    const outside = command.frames.subarray(0, count).find((frame: number) => frame >= end);
    if (outside !== undefined) throw new RangeError(`${command.kind} names frame ${outside}; the device has ${end}`);
  }
}

/** `Array.isArray` that leaves the type alone: on a readonly array it would narrow to `any[]`. */
function isList(value: unknown): boolean {
  return Array.isArray(value);
}

/** A fault source that hands out at most `capacity` faults a drain. */
function narrow(faults: FaultSource, capacity: number): FaultSource {
  return {
    capacity,
    get pending(): number {
      return faults.pending;
    },
    get dropped(): number {
      return faults.dropped;
    },
    get retired(): number {
      return faults.retired;
    },
    get stalled(): number {
      return faults.stalled;
    },
    drain(batch: FaultBatch): number {
      if (batch.capacity <= capacity) return faults.drain(batch);
      const part: FaultBatch = { ...batch, count: 0, capacity };
      batch.count = faults.drain(part);
      return batch.count;
    },
    listen(listener: (() => void) | null): void {
      faults.listen(listener);
    },
  };
}

/** Closes the device and fails when something of it stays behind. Every case ends with this. */
export async function closeClean(device: WatchedDevice): Promise<void> {
  await device.close();
  const lost = await device.lost;
  const left: string[] = device.unsettled();
  for (const queue of device.queues) if (queue.depth > 0) left.push(`depth ${queue.depth} of queue ${queue.id}`);
  if (device.faults.stalled > 0) left.push(`${device.faults.stalled} stalled accesses`);
  if (lost.reason !== 'closed' && lost.reason !== 'failed')
    left.push(`a loss for the unknown reason ${String(lost.reason)}`);
  if (left.length === 0) return;
  throw new CheckError(
    `the device left work behind after close(): ${left.join(', ')} (Device.close: pending fences fail with CLOSED, everything is freed)`,
  );
}
