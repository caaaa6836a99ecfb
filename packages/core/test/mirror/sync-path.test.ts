import { describe, expect, it, test } from 'vitest';
import {
  type AddressSpace,
  type Device,
  type Fence,
  HOST_MIGRATION,
  type Mirror,
  type NotifierEventKind,
  queuePolicies,
  type QueuePolicyName,
} from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { expectMeterSees, expectNoAllocation, promisesOf } from './meters.js';
import { idle, queueWorld } from './queue-world.js';
import { PAGE } from '../space/helpers.js';

const PAGES = 64;

/** Every kind of invalidation, with whose it is where that makes a difference. */
const EVENTS: readonly { kind: NotifierEventKind; owner: 'nobody' | 'a mirror' | 'host migration' }[] = [
  { kind: 'unmap', owner: 'nobody' },
  { kind: 'clear', owner: 'nobody' },
  { kind: 'protection', owner: 'nobody' },
  { kind: 'soft-dirty', owner: 'nobody' },
  { kind: 'release', owner: 'nobody' },
  { kind: 'migrate', owner: 'nobody' },
  { kind: 'migrate', owner: 'a mirror' },
  { kind: 'migrate', owner: 'host migration' },
  { kind: 'exclusive', owner: 'nobody' },
  { kind: 'exclusive', owner: 'a mirror' },
];

/** A space whose pages are on one or two devices, which stand idle or are busy. */
interface World extends AsyncDisposable {
  readonly space: AddressSpace;
  readonly mirrors: readonly Mirror[];
  readonly address: number;
  submitted(): number;
  /** Carries invalidations to the devices; then those that are to be busy have work in front of everything else. */
  settle(): Promise<void>;
}

async function world(devices: 1 | 2, busy: boolean): Promise<World> {
  const t = await queueWorld();
  const { space } = t;
  let others = 0;
  const opened: Device[] = [t.device];
  const mirrors = [t.mirror];
  if (devices === 2) {
    const onEvent = ({ type }: { type: string }) => void (others += Number(type === 'submit'));
    const device = await memory.open({ pageSizes: [PAGE], latency: { command: 1, unitUs: 1000 }, onEvent });
    opened.push(device);
    mirrors.push(await space.attach(device, { prefetch: 'none' }));
  }
  const { address } = space.map({ bytes: PAGES * PAGE });
  // A quarter is owned by the first device, the rest is on all.
  for (const mirror of mirrors) await mirror.prefetch(address, PAGES * PAGE);
  await mirrors[0]!.fill(address, (PAGES / 4) * PAGE, 1);
  const launches: Fence[] = [];
  return {
    space,
    mirrors,
    address,
    submitted: () => others + t.events.filter(({ type }) => type === 'submit').length,
    async settle() {
      await space.flush();
      if (busy) for (const mirror of mirrors) for (let i = 0; i < 8; i++) launches.push(mirror.launch(idle));
      for (const { queues } of opened) expect(queues.some(({ depth }) => depth > 0)).toBe(busy);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(launches.map((fence) => fence.wait()));
      await space.close();
      for (const device of opened) await device.close();
    },
  };
}

describe('the callbacks of a mirror allocate, await and submit nothing (R4)', () => {
  it('is measured by a meter that sees one object a call', expectMeterSees);

  for (const devices of [1, 2] as const) {
    for (const busy of [false, true]) {
      test.each(EVENTS)(`$kind by $owner, ${devices} devices, ${busy ? 'busy' : 'idle'}`, async ({ kind, owner }) => {
        await using t = await world(devices, busy);
        const { notifiers } = t.space;
        const by = owner === 'nobody' ? undefined : owner === 'a mirror' ? t.mirrors[0] : HOST_MIGRATION;
        let next = 0;
        const callback = () => {
          const start = t.address + (next++ % PAGES) * PAGE;
          notifiers.begin(kind, start, start + PAGE, by);
          notifiers.end();
        };
        await t.settle();
        const before = t.submitted();
        expect(promisesOf(() => void Promise.resolve())).toBe(1);
        expect(promisesOf(() => Array.from({ length: 2 * PAGES }).forEach(callback))).toBe(0);
        expect(t.submitted()).toBe(before);
        const told = kind !== 'soft-dirty' && owner === 'nobody';
        await t.space.flush();
        for (const { stats } of t.mirrors) expect(stats.invalidated > 0).toBe(told);
        if (told) expect(t.submitted()).toBeGreaterThan(before);
        await expectNoAllocation(callback, () => t.settle());
      });
    }
  }
});

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
