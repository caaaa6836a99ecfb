import { createSpace } from '@mirrorspace/core';
import { afterEach, expect, it, vi } from 'vitest';
import { openDevice, PAGE, pattern } from '../space/helpers.js';
import { touchPages } from './helpers.js';

afterEach(() => vi.unstubAllGlobals());

it('without setImmediate, as in browsers, no work goes through timers, which browsers clamp to 4 ms', async () => {
  vi.stubGlobal('setImmediate', undefined);
  const device = await openDevice(4);
  const space = await createSpace();
  const mirror = await space.attach(device, { prefetch: 'none' });
  const region = space.map({ bytes: 400 * PAGE });
  const timers = vi.spyOn(globalThis, 'setTimeout');
  await mirror.launch(touchPages, { args: [region.address, 1, PAGE], grid: [400] }).wait();
  await space.write(region.address, pattern(PAGE));
  await space.compact();
  expect(timers.mock.calls.filter(([, ms]) => ms === undefined || ms < 4)).toEqual([]);
  timers.mockRestore();
  expect(mirror.stats.batches).toBeGreaterThan(64);
  await space.close();
  await device.close();
});
