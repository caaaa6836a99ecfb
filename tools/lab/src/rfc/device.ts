import type { AddressSpace, Device, QueuePriority } from '@mirrorspace/core';
import { type DeviceEvent, memory, SimClock } from '@mirrorspace/memory';

/** Bytes a page. */
export const PAGE = 4096;
/** Simulated microseconds of any command, and of `flushTlb`. */
export const COMMAND_US = 1;
const FLUSH_TLB_US = 5;
/** Bytes that a copy moves in a simulated microsecond. */
const COPY_BYTES_PER_US = 10_000;
/** Simulated microseconds of a launch, where nothing else is said: one round of work units. */
export const ROUND_US = 1000;

/** What a device of an experiment is like. */
export interface DeviceModel {
  /** Simulated microseconds a round of work units takes. Default 1,000. */
  readonly roundUs?: number;
  /** Work units in flight, in every round. Default 256. */
  readonly units?: number;
  /** Whether the device claims queue priorities, or which the queues have, the user's two first. Default true: the first paging queue is high. */
  readonly priorities?: boolean | readonly QueuePriority[];
  /** Microseconds a preemption costs for each unit. Without: the device does not preempt. */
  readonly preemptionUs?: number | undefined;
  /** Default 1. */
  readonly pagingQueues?: number;
  /** Most pages that one command lists. */
  readonly pagesPerCommand?: number;
  /** Whether the device has accessed bits. Default false. */
  readonly accessedBits?: boolean;
  /**
   * Macrotasks that the host gets before each event of the device. Default 1. Work that gives way to the event loop takes some, and no
   * simulated time is to pass for that.
   */
  readonly hostTurns?: number;
  /** Pages of device memory. Default 32,768. */
  readonly frames?: number;
}

/** Counts what happens on a device. */
export class Tally {
  submissions = 0;
  /** Commands but launches. */
  commands = 0;
  preemptions = 0;

  readonly note = ({ type, command }: DeviceEvent): void => {
    if (type === 'submit') this.submissions++;
    else if (type === 'preempt') this.preemptions++;
    else if (type === 'command' && command !== 'launch') this.commands++;
  };

  clear(): void {
    this.submissions = this.commands = this.preemptions = 0;
  }
}

/** A device, its time, and what happens on it. */
export interface Bench {
  readonly device: Device;
  readonly clock: SimClock;
  readonly tally: Tally;
}

/** Opens a device of two user queues. */
export async function openDevice(model: DeviceModel): Promise<Bench> {
  const { roundUs = ROUND_US, units = 256, priorities = true, preemptionUs, pagingQueues = 1 } = model;
  const { pagesPerCommand, accessedBits = false, frames = 32_768, hostTurns = 1 } = model;
  const tally = new Tally();
  const clock = new SimClock({
    yield: async () => {
      for (let turn = 0; turn < hostTurns; turn++) await new Promise((resolve) => void setImmediate(resolve));
    },
  });
  const device = await memory.open({
    features: [
      'queues',
      'dirty-bits',
      'read-only-maps',
      'replayable-faults',
      'program:js',
      ...(priorities === false ? [] : (['priorities'] as const)),
      ...(preemptionUs === undefined ? [] : (['preemption'] as const)),
      ...(accessedBits ? (['accessed-bits'] as const) : []),
    ],
    latency: {
      command: COMMAND_US,
      commands: { flushTlb: FLUSH_TLB_US },
      copyBytesPerUs: COPY_BYTES_PER_US,
      unitUs: roundUs,
    },
    clock,
    residentUnits: units,
    pageSizes: [PAGE],
    pagingQueues,
    memory: frames * PAGE,
    poison: false,
    onEvent: tally.note,
    ...(typeof priorities === 'object' && { priorities }),
    ...(preemptionUs !== undefined && { preemptionUs }),
    ...(pagesPerCommand !== undefined && { pagesPerCommand }),
  });
  return { device, clock, tally };
}

/** A program that does nothing, for as long as a round takes. */
export const idle = { language: 'js', run: () => undefined } as const;

/** Ids of the user queues. */
export function userQueues(device: Device): [number, number] {
  return device.queues.filter(({ paging }) => !paging).map(({ id }) => id) as [number, number];
}

/** Unmaps pages one by one in one turn; resolves when all are gone from the device. */
export async function unmapOneByOne(space: AddressSpace, address: number, pages: number): Promise<void> {
  const done: Promise<void>[] = [];
  for (let page = 0; page < pages; page++) done.push(space.unmap(address + page * PAGE, PAGE));
  await Promise.all(done);
}

/** Resolves when so many simulated microseconds have passed. */
export function pause(clock: SimClock, us: number): Promise<void> {
  return new Promise((resolve) => void clock.after(us, resolve));
}
