import {
  createSpace,
  type AddressSpace,
  type Device,
  type PreemptionName,
  type QueuePolicyName,
} from '@mirrorspace/core';
import { type DeviceEvent, memory, SimClock } from '@mirrorspace/memory';
import { medianOf } from './median.js';

/** One situation in which a device's page table is updated. Times are simulated. */
export interface Scenario {
  /** Launches in the user's queue when the update comes, each one round of work units. */
  readonly front: number;
  /** Microseconds a round takes. */
  readonly roundUs: number;
  /** Work units in flight, in every round. */
  readonly units: number;
  readonly placement: QueuePolicyName;
  /** Whether the device claims queue priorities. */
  readonly priorities: boolean;
  readonly preemption: PreemptionName;
  /** Microseconds a preemption costs for each unit; `undefined`: the device does not preempt. */
  readonly preemptionUs: number | undefined;
  /** Pages unmapped one by one in one turn, and then flushed. */
  readonly pages: number;
  /** How often that is done, one after the other. */
  readonly flushes: number;
}

/** What a scenario came to. */
export interface Outcome {
  /** Simulated microseconds from the synchronous change until its flush is done: the mean, and the longest. */
  readonly flushUs: number;
  readonly longestUs: number;
  /** Commands that the flushes took, for each page they invalidated. */
  readonly commandsPerPage: number;
  /** Submissions that the flushes took. */
  readonly submissions: number;
  /** How often work was interrupted. */
  readonly preemptions: number;
  /** Simulated microseconds by which a flush held up the launches. */
  readonly lostUs: number;
  /** Wall nanoseconds of the synchronous callback for each page it invalidates, the median. */
  readonly callbackNs: number;
}

/** Simulated microseconds of any command; the device has two user queues, one paging queue, and rounded figures. */
export const COMMAND_US = 1;
const FLUSH_TLB_US = 5;
/** Bytes a page. */
export const PAGE = 4096;

/** Pages a callback invalidates, so that reading the clock is little beside it. */
const CALLBACK_PAGES = 16;
const CALLBACKS = 64;

/** A program that does nothing, for as long as a round takes. */
export const idle = { language: 'js', run: () => undefined } as const;

/** The scenario that others are variations of. */
export const BASE: Scenario = {
  front: 100,
  roundUs: 1000,
  units: 256,
  placement: 'paging',
  priorities: true,
  preemption: 'never',
  preemptionUs: undefined,
  pages: 1000,
  flushes: 1,
};

/** Lives a scenario on the reference device. */
export async function live(scenario: Scenario): Promise<Outcome> {
  const { front, roundUs, units, pages, flushes } = scenario;
  const events: DeviceEvent[] = [];
  const device = await openDevice(scenario, (event) => events.push(event));
  const space = await createSpace();
  try {
    const { placement: updateQueue, preemption } = scenario;
    const mirror = await space.attach(device, { prefetch: 'none', updateQueue, preemption });
    const region = space.map({ bytes: pages * flushes * PAGE });
    const told = space.map({ bytes: CALLBACKS * CALLBACK_PAGES * PAGE });
    for (const { address, bytes } of [region, told]) await mirror.prefetch(address, bytes, { access: 'write' });
    // A launch says which queue is the user's.
    await mirror.launch(idle).wait();
    const invalidated = mirror.stats.invalidated;
    const from = events.length;
    const start = device.now();
    const fences = Array.from({ length: front }, () => mirror.launch(idle, { grid: [units] }));
    const ended = fences
      .at(-1)
      ?.wait()
      .then(() => device.now());
    const callbackNs = timeCallbacks(space, told.address);
    const times: number[] = [];
    for (let flush = 0; flush < flushes; flush++)
      times.push(await flushPages(space, device, region.address + flush * pages * PAGE, pages));
    const flushed = mirror.stats.invalidated - invalidated;
    const end = await ended;
    const seen = events.slice(from);
    const commands = seen.filter(({ type, command }) => type === 'command' && command !== 'launch').length;
    const busy = front * (COMMAND_US + roundUs);
    return {
      flushUs: times.reduce((sum, us) => sum + us, 0) / flushes,
      longestUs: Math.max(...times),
      commandsPerPage: commands / flushed,
      submissions: seen.filter(({ type }) => type === 'submit').length - front,
      preemptions: seen.filter(({ type }) => type === 'preempt').length,
      lostUs: end === undefined ? 0 : Math.max(0, end - start - busy) / flushes,
      callbackNs,
    };
  } finally {
    await space.close();
    await device.close();
  }
}

/** Opens the device of a scenario; `onEvent` is told of all that happens on it. */
export function openDevice(scenario: Scenario, onEvent: (event: DeviceEvent) => void): Promise<Device> {
  const { roundUs, units, priorities, preemptionUs } = scenario;
  return memory.open({
    features: [
      'queues',
      'dirty-bits',
      'read-only-maps',
      'replayable-faults',
      'program:js',
      ...(priorities ? (['priorities'] as const) : []),
      ...(preemptionUs === undefined ? [] : (['preemption'] as const)),
    ],
    latency: { command: COMMAND_US, commands: { flushTlb: FLUSH_TLB_US }, unitUs: roundUs },
    clock: new SimClock(),
    residentUnits: units,
    pageSizes: [PAGE],
    poison: false,
    onEvent,
    ...(preemptionUs !== undefined && { preemptionUs }),
  });
}

/** Unmaps pages one by one in one turn; simulated microseconds until all are gone from the device. */
async function flushPages(space: AddressSpace, device: Device, address: number, pages: number): Promise<number> {
  const since = device.now();
  const done: Promise<void>[] = [];
  for (let page = 0; page < pages; page++) done.push(space.unmap(address + page * PAGE, PAGE));
  await Promise.all(done);
  return device.now() - since;
}

/** What a CPU page table change costs before it may go on: nanoseconds a page that the device has, the median of many. */
function timeCallbacks(space: AddressSpace, address: number): number {
  const times: number[] = [];
  for (let i = 0; i < CALLBACKS; i++) {
    const start = address + i * CALLBACK_PAGES * PAGE;
    const before = process.hrtime.bigint();
    space.notifiers.begin('protection', start, start + CALLBACK_PAGES * PAGE);
    const after = process.hrtime.bigint();
    space.notifiers.end();
    times.push(Number(after - before) / CALLBACK_PAGES);
  }
  return medianOf(times);
}
