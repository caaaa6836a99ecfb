import { createSpace, memorySwap } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { openDevice, PAGE } from '../space/helpers.js';
import { touchPages } from './helpers.js';

/** Turns that the swap store takes, so that units wait meanwhile. */
const SLOW = 60;

describe('frames whose pages are kept while others of their range are fetched', () => {
  it('are not missing for good: units that wait for one go on when they are let go', async () => {
    const device = await openDevice(8, { faultBuffer: 1 });
    const swap = memorySwap(64 * PAGE);
    const slow = {
      size: swap.size,
      read: async (offset: number, into: Uint8Array) => {
        for (let i = 0; i < SLOW; i++) await new Promise((resolve) => setImmediate(resolve));
        await swap.read(offset, into);
      },
      write: swap.write.bind(swap),
    };
    const space = await createSpace({ reclaim: { budget: 40 * PAGE, swap: slow } });
    const mirror = await space.attach(device, { prefetch: 'none' });
    const { address } = space.map({ bytes: 32 * PAGE });
    await space.write(address + 16 * PAGE, new Uint8Array(16 * PAGE).fill(1));
    expect(await space.pageOut(address + 16 * PAGE, 8 * PAGE)).toBe(8 * PAGE);
    // What the first is said to write fills the device, and is kept there while the rest of it is read from the swap store.
    const first = mirror.launch(touchPages, {
      args: [address, 1, PAGE],
      grid: [8],
      writes: [[address, 24 * PAGE]],
      queue: 0,
    });
    const second = mirror.launch(touchPages, { args: [address + 24 * PAGE, 2, PAGE], grid: [4], queue: 1 });
    await Promise.all([first.wait(), second.wait()]);
    const words = async (page: number) =>
      new Uint32Array((await space.read(address + page * PAGE, 4)).slice().buffer)[0];
    for (let unit = 0; unit < 8; unit++) expect(await words(unit)).toBe(unit + 1);
    for (let i = 0; i < 8; i++) expect(await words(24 + i)).toBe(0x01010101 + Math.floor(i / 2) + 1);
    await space.close();
    await device.close();
    expect(device.violations).toEqual([]);
  });
});
