import {
  type DeviceFeature,
  integerOption,
  parseBytes,
  powerOfTwoOption,
  type QueuePriority,
} from '@mirrorspace/core/driver';
import type { SimClock } from './clock.js';
import type { DeviceEvent } from './event.js';
import { checkLatency, type LatencyModel } from './latency.js';
import { FRAME_LIMIT } from './table.js';
import type { FaultScript } from './fault-rule.js';
import { checkScript } from './script.js';

/** How the reference device is opened. */
export interface MemoryOptions {
  /** Device memory: bytes, or text such as `'64 MiB'` (B, KiB, MiB, GiB, TiB). Default 64 MiB. Untouched memory costs nothing. At most 2^26 frames. */
  readonly memory?: number | string;
  /** Page sizes in bytes, powers of two from 4096 to 2 MiB. Default 4096, 65,536 and 2 MiB. */
  readonly pageSizes?: readonly number[];
  /** User queues. Default 2. */
  readonly queues?: number;
  /** Paging queues beside them, 1 to 16: the first of high priority, others of normal. Default 1. */
  readonly pagingQueues?: number;
  /** Priorities of the queues, the user's first and then those for paging. What is left out is as above. Only with feature `priorities`. */
  readonly priorities?: readonly QueuePriority[];
  /** Entries of the fault buffer. Default 256. */
  readonly faultBuffer?: number;
  /** Features to claim. Default: all. The device behaves without those left out. */
  readonly features?: readonly DeviceFeature[];
  /** Seed of all randomness. Default 1. */
  readonly seed?: number;
  /** `'zero'` (default): everything happens at once. Otherwise simulated time passes. */
  readonly latency?: 'zero' | LatencyModel;
  /** Simulated time to live in; devices may share it. Default: a clock of its own. */
  readonly clock?: SimClock;
  /** Work units in flight at once. Default 256. */
  readonly residentUnits?: number;
  /** Entries of an MMU's TLB, a power of two. Default 1024. */
  readonly tlbEntries?: number;
  /** Simulated microseconds that a preemption costs for each resident work unit. Default 1. */
  readonly preemptionUs?: number;
  /** What goes wrong, and when. */
  readonly faults?: FaultScript;
  /** Fill discarded frames with 0xDB. Default: only where time passes. */
  readonly poison?: boolean;
  /** Name of the device. Default: `memory:0`, `memory:1`, … */
  readonly name?: string;
  /** Bits of a virtual address, 32 to 47. Default 47. */
  readonly addressBits?: number;
  /** Most pages a command may list. Default 65,536. */
  readonly pagesPerCommand?: number;
  /** Most commands a submission may hold. Default 1024. */
  readonly commandsPerSubmit?: number;
  /** Called with everything that happens on the device. Must not call the device. */
  readonly onEvent?: (event: DeviceEvent) => void;
}

/** Options with their defaults, checked. */
export interface MemoryConfig extends Required<
  Omit<MemoryOptions, 'clock' | 'name' | 'onEvent' | 'latency' | 'memory' | 'features'>
> {
  readonly memory: number;
  readonly latency: LatencyModel | undefined;
  readonly features: ReadonlySet<DeviceFeature>;
  readonly clock: SimClock | undefined;
  readonly name: string | undefined;
  readonly onEvent: ((event: DeviceEvent) => void) | undefined;
}

/** Everything the reference device can claim. */
export const ALL_FEATURES: readonly DeviceFeature[] = [
  'queues',
  'priorities',
  'preemption',
  'accessed-bits',
  'dirty-bits',
  'replayable-faults',
  'atomics',
  'read-only-maps',
  'page-sizes',
  'program:js',
];

/** Checks options and fills in the defaults. @throws TypeError, RangeError */
export function resolveOptions(options: MemoryOptions = {}): MemoryConfig {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`options must be an object, got ${String(options)}`);
  const asked = options.pageSizes ?? [4096, 65_536, 2 * 1024 * 1024];
  if (!isArray(asked) || asked.length === 0)
    throw new TypeError('pageSizes must be an array of at least one page size');
  const features = featuresOf(options, asked.length);
  const sizes = [...new Set(asked)].sort((a, b) => a - b);
  for (const size of sizes) powerOfTwoOption('pageSizes', size, 4096, 2 * 1024 * 1024);
  const pageSizes = features.has('page-sizes') ? sizes : sizes.slice(0, 1);
  const smallest = pageSizes[0]!;
  const memory = parseBytes(options.memory ?? 64 * 2 ** 20);
  integerOption('memory', memory, smallest, smallest * FRAME_LIMIT);
  const queues = features.has('queues') ? integerOption('queues', options.queues ?? 2, 1, 1024) : 1;
  const pagingQueues = integerOption('pagingQueues', options.pagingQueues ?? 1, 1, 16);
  const latency = options.latency ?? 'zero';
  if (options.onEvent !== undefined && typeof options.onEvent !== 'function')
    throw new TypeError('onEvent must be a function');
  if (options.name !== undefined && typeof options.name !== 'string') throw new TypeError('name must be a string');
  return {
    memory: Math.floor(memory / smallest) * smallest,
    pageSizes,
    features,
    queues,
    pagingQueues,
    priorities: features.has('priorities') ? checkPriorities(options.priorities ?? [], queues + pagingQueues) : [],
    faultBuffer: integerOption('faultBuffer', options.faultBuffer ?? 256, 1, 2 ** 20),
    seed: integerOption('seed', options.seed ?? 1, -(2 ** 31), 2 ** 32 - 1),
    latency: latency === 'zero' ? undefined : checkLatency(latency),
    residentUnits: integerOption('residentUnits', options.residentUnits ?? 256, 1, 2 ** 20),
    tlbEntries: powerOfTwoOption('tlbEntries', options.tlbEntries ?? 1024, 1, 2 ** 20),
    preemptionUs: features.has('preemption') ? atLeastZero('preemptionUs', options.preemptionUs ?? 1) : 0,
    faults: checkScript(options.faults ?? []),
    poison: options.poison ?? latency !== 'zero',
    addressBits: integerOption('addressBits', options.addressBits ?? 47, 32, 47),
    pagesPerCommand: integerOption('pagesPerCommand', options.pagesPerCommand ?? 65_536, 1, 2 ** 24),
    commandsPerSubmit: integerOption('commandsPerSubmit', options.commandsPerSubmit ?? 1024, 1, 2 ** 20),
    clock: options.clock,
    name: options.name,
    onEvent: options.onEvent,
  };
}

function featuresOf(options: MemoryOptions, sizes: number): ReadonlySet<DeviceFeature> {
  const asked = options.features ?? ALL_FEATURES;
  if (!isArray(asked)) throw new TypeError('features must be an array');
  const features = new Set<DeviceFeature>(asked);
  for (const feature of features) {
    if (!ALL_FEATURES.includes(feature))
      throw new RangeError(`the reference device cannot claim '${feature}', only ${ALL_FEATURES.join(', ')}`);
  }
  // Claims follow from what there is: one page size or one queue is none to choose from.
  if (sizes === 1) features.delete('page-sizes');
  if (options.queues === 1) features.delete('queues');
  return features;
}

function checkPriorities(priorities: readonly QueuePriority[], most: number): readonly QueuePriority[] {
  if (!isArray(priorities)) throw new TypeError('priorities must be an array');
  if (priorities.length > most)
    throw new RangeError(`priorities names ${priorities.length} queues of a device with ${most}`);
  for (const priority of priorities) {
    if (!['low', 'normal', 'high'].includes(priority))
      throw new RangeError(`priorities must be 'low', 'normal' or 'high', got ${String(priority)}`);
  }
  return priorities;
}

function atLeastZero(what: string, value: number): number {
  if (typeof value !== 'number') throw new TypeError(`${what} must be a number, got ${typeof value}`);
  if (!(value >= 0 && value < Infinity)) throw new RangeError(`${what} must be ≥ 0, got ${value}`);
  return value;
}

/** `Array.isArray` that leaves the type alone: on a readonly array it would narrow to `any[]`. */
function isArray(value: unknown): boolean {
  return Array.isArray(value);
}
