import { memorySwap } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { createRig, PAGE, pattern } from '../space/helpers.js';

const DEVICE = 2;

describe('markAccessed', () => {
  for (const eviction of ['lru', 'clock'] as const) {
    it(`spares what was marked when the device evicts: ${eviction}`, async () => {
      await using rig = await createRig({ frames: 8, attach: { eviction } });
      const { space, mirror } = rig;
      const { address } = space.map({ bytes: 32 * PAGE });
      const on = () => Array.from(mirror.residency(address, 3 * PAGE), (bits) => (bits & DEVICE) !== 0);
      for (let page = 0; page < 8; page++) await mirror.write(address + page * PAGE, pattern(64, page));
      // Clock meets all frames once before it gives the first up: they count as accessed when they were just filled.
      await mirror.read(address + 8 * PAGE, 1);
      await mirror.read(address, 1);
      expect(mirror.markAccessed(address, 3 * PAGE)).toBeGreaterThanOrEqual(2);
      const before = on();
      for (let page = 9; page < 13; page++) await mirror.read(address + page * PAGE, 1);
      expect(on()).toEqual(before);
      for (let page = 0; page < 8; page++)
        expect(await space.read(address + page * PAGE, 64)).toEqual(pattern(64, page));
    });
  }

  for (const lists of ['device', 'global'] as const) {
    it(`spares what was marked when host memory is reclaimed (${lists})`, async () => {
      await using rig = await createRig({ space: { reclaim: { swap: memorySwap(64 * PAGE), lists } } });
      const { space, mirror } = rig;
      const { address } = space.map({ bytes: 8 * PAGE });
      await space.write(address, pattern(8 * PAGE));
      await mirror.prefetch(address, 6 * PAGE);
      await mirror.harvest(address, 8 * PAGE);
      expect(mirror.markAccessed(address, 2 * PAGE)).toBe(2);
      // The host has this one alone: it is the last of the ordinary ones to leave.
      expect(mirror.markAccessed(address + 6 * PAGE, PAGE)).toBe(0);
      expect(await space.reclaim(5 * PAGE)).toBe(5 * PAGE);
      const there = Array.from(mirror.residency(address, 8 * PAGE), (bits) => bits & 3);
      expect(there).toEqual([3, 3, 0, 0, 0, 0, 1, 0]);
    });
  }

  it('says nothing of what nobody touched, and is refused where nothing is mapped', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 2 * PAGE });
    expect(mirror.markAccessed(address, 2 * PAGE)).toBe(0);
    await mirror.read(address, 1);
    expect(mirror.markAccessed(address, 2 * PAGE)).toBe(1);
    expect(() => mirror.markAccessed(address, 3 * PAGE)).toThrow(/nothing is mapped/);
  });
});
