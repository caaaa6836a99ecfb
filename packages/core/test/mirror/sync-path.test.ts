import { promiseHooks } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { queuePolicies, type QueuePolicyName } from '@mirrorspace/core';
import { idle, queueWorld } from './queue-world.js';
import { PAGE } from '../space/helpers.js';

/** Runs something; how many promises it made. */
function promisesOf(run: () => void): number {
  let made = 0;
  const stop = promiseHooks.onInit(() => made++) as () => void;
  try {
    run();
  } finally {
    stop();
  }
  return made;
}

describe('the synchronous path (R4)', () => {
  for (const updateQueue of Object.keys(queuePolicies) as QueuePolicyName[]) {
    it(`submits nothing and awaits nothing while the device is busy, with updates to ${updateQueue}`, async () => {
      const t = await queueWorld({ updateQueue, preemption: 'always' });
      const { address } = t.space.map({ bytes: 64 * PAGE });
      await t.mirror.fill(address, 64 * PAGE, 1);
      const launches = Array.from({ length: 8 }, () => t.mirror.launch(idle));
      const { notifiers } = t.space;
      const submitted = () => t.events.filter(({ type }) => type === 'submit').length;
      const before = submitted();
      expect(promisesOf(() => void Promise.resolve())).toBe(1);
      const promises = promisesOf(() => {
        for (let page = 0; page < 32; page++) {
          notifiers.begin('protection', address + page * PAGE, address + (page + 1) * PAGE);
          notifiers.end();
        }
      });
      expect(promises).toBe(0);
      const flushes = Array.from({ length: 32 }, (_, page) => t.space.unmap(address + (32 + page) * PAGE, PAGE));
      expect(submitted()).toBe(before);
      expect(t.mirror.stats.invalidated).toBe(0);
      await Promise.all(flushes);
      expect(t.mirror.stats.invalidated).toBe(64);
      expect(t.mirror.stats.flushes).toBe(1);
      await Promise.all(launches.map((fence) => fence.wait()));
      await t.space.close();
      await t.device.close();
    });
  }
});
