import { createSpace, type PreemptionName, type QueuePolicyName } from '@mirrorspace/core';
import { COMMAND_US, idle, openDevice, PAGE, ROUND_US, unmapOneByOne } from './device.js';
import { meanOf } from './quartiles.js';

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
  /** Whether one flush has waited behind a launch before, so that `weigh` knows what waiting costs. */
  readonly trained: boolean;
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
}

/** The scenario that others are variations of. */
export const BASE: Scenario = {
  front: 100,
  roundUs: ROUND_US,
  units: 256,
  placement: 'paging',
  priorities: true,
  preemption: 'never',
  preemptionUs: undefined,
  pages: 1000,
  flushes: 1,
  trained: false,
};

/** Lives a scenario on the reference device. */
export async function live(scenario: Scenario): Promise<Outcome> {
  const { front, roundUs, units, pages, flushes, placement: updateQueue, preemption, trained } = scenario;
  const { device, tally } = await openDevice(scenario);
  const space = await createSpace();
  try {
    const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none', updateQueue, preemption });
    const launch = () => mirror.launch(idle, { grid: [units] });
    const region = space.map({ bytes: (pages * flushes + 1) * PAGE });
    await mirror.prefetch(region.address, region.bytes, { access: 'write' });
    // A launch says which queue is the user's; a flush behind it is the one of experience.
    const first = launch();
    if (trained) await space.unmap(region.end - PAGE, PAGE);
    await first.wait();
    // Frames that were given up are told to the device with the next submission: not one that is measured.
    await mirror.prefetch(space.map({ bytes: PAGE }).address, PAGE, { access: 'write' });
    const { invalidated } = mirror.stats;
    tally.clear();
    const start = device.now();
    const fences = Array.from({ length: front }, launch);
    const ended = fences
      .at(-1)
      ?.wait()
      .then(() => device.now());
    const times: number[] = [];
    for (let flush = 0; flush < flushes; flush++) {
      const since = device.now();
      await unmapOneByOne(space, region.address + flush * pages * PAGE, pages);
      times.push(device.now() - since);
    }
    const { commands } = tally;
    const end = await ended;
    const busy = front * (COMMAND_US + roundUs);
    return {
      flushUs: meanOf(times),
      longestUs: Math.max(...times),
      commandsPerPage: commands / (mirror.stats.invalidated - invalidated),
      submissions: tally.submissions - front,
      preemptions: tally.preemptions,
      lostUs: end === undefined ? 0 : Math.max(0, end - start - busy) / flushes,
    };
  } finally {
    await space.close();
    await device.close();
  }
}
