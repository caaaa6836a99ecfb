import { createSpace, type PreemptionName } from '@mirrorspace/core';
import { idle, openDevice, pause, PAGE } from './device.js';
import { meanOf } from './quartiles.js';
import { seeded, shuffled } from './random.js';

/** A flush that comes while launches run, at random moments of their rounds. */
export interface PhaseCase {
  readonly roundUs: number;
  readonly units: number;
  readonly preemptionUs: number;
  readonly preemption: PreemptionName;
}

/**
 * The mean simulated microseconds of so many flushes, each at a moment of its own: one in each of as many parts of a round, drawn
 * within it, in an order that is drawn as well.
 */
export async function meanAtRandomPhases(one: PhaseCase, flushes: number): Promise<number> {
  const { units, preemption, roundUs } = one;
  const { device, clock } = await openDevice(one);
  const space = await createSpace();
  try {
    const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none', preemption });
    const { address, bytes } = space.map({ bytes: flushes * PAGE });
    await mirror.prefetch(address, bytes, { access: 'write' });
    const random = seeded(1);
    const phases = shuffled(
      Array.from({ length: flushes }, (_, i) => (i + random()) / flushes),
      random,
    );
    // Launches run all the time: the next one is there before one ends.
    let going = true;
    const keepBusy = async () => {
      let fence = mirror.launch(idle, { grid: [units] });
      while (going) {
        const next = mirror.launch(idle, { grid: [units] });
        await fence.wait();
        fence = next;
      }
      await fence.wait();
    };
    const busy = keepBusy();
    const times: number[] = [];
    for (const [i, phase] of phases.entries()) {
      await pause(clock, phase * roundUs);
      const since = device.now();
      // Frees no frame: what is said of freed frames is an update of its own, and interrupts as well.
      await space.protect(address + i * PAGE, PAGE, 'read');
      times.push(device.now() - since);
    }
    going = false;
    await busy;
    return meanOf(times);
  } finally {
    await space.close();
    await device.close();
  }
}
