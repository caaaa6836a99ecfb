import { createSpace, type JsProgram } from '@mirrorspace/core';
import { COMMAND_US, idle, openDevice, PAGE, userQueues } from './device.js';
import type { Scenario } from './scenario.js';

/** Pages that the launch faults on, one after the other. */
const FAULTS = 16;

/** What became of a launch that waits for faults while another queue's launches run. */
export interface FaultingOutcome {
  /** Simulated microseconds from its submission until it ended. */
  readonly endUs: number;
  readonly preemptions: number;
  /** Simulated microseconds by which it and its faults held up the others. */
  readonly lostUs: number;
}

/** Reads a word of each page in turn: each is a fault, an update, and another attempt. */
const walk: JsProgram = {
  language: 'js',
  run(ctx, _id, [address]) {
    for (let page = 0; page < FAULTS; page++) ctx.load32(address! + page * PAGE);
  },
};

/** Lives a scenario with a launch that faults, in place of flushes. */
export async function liveFaulting(scenario: Scenario): Promise<FaultingOutcome> {
  const { front, roundUs, units, preemption, placement: updateQueue } = scenario;
  const { device, tally } = await openDevice(scenario);
  const space = await createSpace();
  try {
    const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none', updateQueue, preemption });
    const { address } = space.map({ bytes: FAULTS * PAGE });
    const [queue, other] = userQueues(device);
    const start = device.now();
    const fences = Array.from({ length: front }, () => mirror.launch(idle, { grid: [units], queue }));
    const ended = fences
      .at(-1)!
      .wait()
      .then(() => device.now());
    await mirror.launch(walk, { args: [address], queue: other }).wait();
    const endUs = device.now() - start;
    const { preemptions } = tally;
    const lostUs = (await ended) - start - front * (COMMAND_US + roundUs);
    return { endUs, preemptions, lostUs };
  } finally {
    await space.close();
    await device.close();
  }
}
