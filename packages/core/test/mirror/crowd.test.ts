import { createSpace, validate } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { expectCode, PAGE } from '../space/helpers.js';
import { touchPages } from './helpers.js';

describe('launches on several queues that together need more than fits', () => {
  for (const [queues, frames, units] of [
    [2, 3, 1],
    [3, 4, 1],
    [3, 4, 16],
    [8, 3, 8],
    [4, 11, 16],
  ] as const) {
    it(`finish: ${queues} queues, ${frames} frames, ${units} units of 3 pages each`, async () => {
      const device = validate(await memory.open({ memory: frames * PAGE, pageSizes: [PAGE], queues }));
      const space = await createSpace();
      const mirror = await space.attach(device, { prefetch: 'none' });
      const { address } = space.map({ bytes: queues * units * 3 * PAGE });
      const fences = Array.from({ length: queues }, (_, queue) =>
        mirror.launch(touchPages, { args: [address + queue * units * 3 * PAGE, 3, PAGE], grid: [units], queue }),
      );
      await Promise.all(fences.map((fence) => fence.wait()));
      const words = new Uint32Array((await space.read(address, queues * units * 3 * PAGE)).buffer);
      for (let page = 0; page < queues * units * 3; page++)
        expect(words[page * 1024]).toBe(Math.floor((page % (units * 3)) / 3) + 1);
      await space.close();
      await device.close();
      expect(device.violations).toEqual([]);
    }, 20_000);
  }

  it('fail one by one where one does not fit alone, and let the others finish', async () => {
    const device = validate(await memory.open({ memory: 3 * PAGE, pageSizes: [PAGE], queues: 3 }));
    const space = await createSpace();
    const mirror = await space.attach(device, { prefetch: 'none' });
    const { address } = space.map({ bytes: 64 * PAGE });
    const launch = (queue: number, pages: number) =>
      mirror.launch(touchPages, { args: [address + queue * 16 * PAGE, pages, PAGE], grid: [2], queue }).wait();
    const [first, second, third] = await Promise.all([
      launch(0, 3),
      expectCode(launch(1, 4), 'OUT_OF_DEVICE_MEMORY'),
      launch(2, 3),
    ]);
    expect([first, third]).toEqual([undefined, undefined]);
    expect(second.message).toMatch(/more pages at once/);
    const words = new Uint32Array((await space.read(address, 64 * PAGE)).buffer);
    for (const queue of [0, 2])
      for (let page = 0; page < 6; page++) expect(words[(queue * 16 + page) * 1024]).toBe(Math.floor(page / 3) + 1);
    await space.close();
    await device.close();
    expect(device.violations).toEqual([]);
  }, 20_000);

  it('finish for two spaces, each of which needs every frame', async () => {
    const device = validate(await memory.open({ memory: 3 * PAGE, pageSizes: [PAGE], queues: 2 }));
    const spaces = await Promise.all([createSpace(), createSpace()]);
    const runs = spaces.map(async (space, queue) => {
      const mirror = await space.attach(device, { prefetch: 'none' });
      const { address } = space.map({ bytes: 12 * PAGE });
      await mirror.launch(touchPages, { args: [address, 3, PAGE], grid: [4], queue }).wait();
      const words = new Uint32Array((await space.read(address, 12 * PAGE)).buffer);
      for (let page = 0; page < 12; page++) expect(words[page * 1024]).toBe(Math.floor(page / 3) + 1);
      await space.close();
    });
    await Promise.all(runs);
    await device.close();
    expect(device.violations).toEqual([]);
  }, 20_000);
});
