import { createSpace, memorySwap } from '@mirrorspace/core';
import { describe, expect, test } from 'vitest';
import { createRig, expectBytes, openDevice, PAGE, pattern } from './helpers.js';
import { TestSwap } from './test-swap.js';

describe('reclaim with devices', () => {
  for (const lists of ['device', 'global'] as const) {
    test(`pages in use by a device stand on its list and not on the ordinary one (${lists})`, async () => {
      await using rig = await createRig({ space: { reclaim: { swap: memorySwap(64 * PAGE), lists } } });
      const { space, mirror } = rig;
      const { address } = space.map({ bytes: 8 * PAGE });
      await space.write(address, pattern(8 * PAGE));
      await mirror.prefetch(address, 3 * PAGE);
      await mirror.write(address + 3 * PAGE, pattern(PAGE, 7));
      expect(space.memory).toMatchObject({ inUse: 4 * PAGE, ordinary: 4 * PAGE });
      expect(await space.pageOut(address, 8 * PAGE)).toBe(4 * PAGE);
      expect(space.memory).toMatchObject({ inUse: 4 * PAGE, ordinary: 0, swapped: 4 * PAGE });
      // Nothing is left but what the device uses: that leaves the device first.
      expect(await space.reclaim(4 * PAGE)).toBe(4 * PAGE);
      expect(space.memory).toMatchObject({ used: 0, inUse: 0, swapped: 8 * PAGE });
      expect(space.memory.stats.takenOffDevices).toBe(4);
      expectBytes(await mirror.read(address + 3 * PAGE, PAGE), pattern(PAGE, 7));
      expectBytes(await space.read(address, 3 * PAGE), pattern(8 * PAGE).subarray(0, 3 * PAGE));
    });

    test(`what the device used since it was last asked stays (${lists})`, async () => {
      await using rig = await createRig({ space: { reclaim: { swap: memorySwap(64 * PAGE), lists } } });
      const { space, mirror } = rig;
      const { address } = space.map({ bytes: 4 * PAGE });
      await space.write(address, pattern(4 * PAGE));
      await mirror.prefetch(address, 4 * PAGE);
      await mirror.harvest(address, 4 * PAGE);
      await mirror.read(address, 1);
      await mirror.read(address + 2 * PAGE, 1);
      expect(await space.reclaim(2 * PAGE)).toBe(2 * PAGE);
      expect(Array.from(mirror.residency(address, 4 * PAGE))).toEqual([3, 8, 3, 8]);
    });
  }

  test('faults go beyond the budget, reclaim catches up, and the work ends', async () => {
    await using rig = await createRig({
      frames: 32,
      space: { reclaim: { budget: 16 * PAGE, swap: new TestSwap(256) } },
    });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 96 * PAGE });
    for (let page = 0; page < 96; page++) await mirror.write(address + page * PAGE, pattern(PAGE, page));
    for (let page = 0; page < 96; page++)
      expectBytes(await mirror.read(address + page * PAGE, PAGE), pattern(PAGE, page));
    await space.reclaim(1);
    expect(space.memory.used).toBeLessThanOrEqual(40 * PAGE);
    expect(space.memory.swapped).toBeGreaterThan(40 * PAGE);
  });

  test('pinned pages, and pages in use by a second host memory, stay', async () => {
    const device = await openDevice(16);
    await using space = await createSpace({ reclaim: { swap: memorySwap(64 * PAGE) } });
    await using other = await createSpace({ reclaim: { swap: memorySwap(64 * PAGE) } });
    const mirror = await space.attach(device, { prefetch: 'none' });
    const second = await other.attach(device, { prefetch: 'none' });
    const { address } = space.map({ bytes: 4 * PAGE });
    const there = other.map({ bytes: 4 * PAGE }).address;
    await space.write(address, pattern(4 * PAGE));
    await other.write(there, pattern(4 * PAGE, 2));
    await second.prefetch(there, 4 * PAGE);
    await mirror.prefetch(address, 4 * PAGE);
    await space.advise(address, 2 * PAGE, { pin: mirror });
    expect(await space.reclaim(8 * PAGE)).toBe(2 * PAGE);
    expect(space.memory.inUse).toBe(2 * PAGE);
    expect(other.memory.inUse).toBe(4 * PAGE);
    await space.close();
    await other.close();
    await device.close();
    expect(device.violations).toEqual([]);
  });
});
