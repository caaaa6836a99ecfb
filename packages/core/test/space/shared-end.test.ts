import { createSpace, managedMemory } from '@mirrorspace/core';
import { expect, it } from 'vitest';
import { openDevice, PAGE } from './helpers.js';

it('a shared region that a device used leaves nothing behind when it is unmapped, on the host or on the device', async () => {
  const host = managedMemory();
  await using space = await createSpace({ host });
  const device = await openDevice(8);
  const mirror = await space.attach(device);
  const region = space.map({ bytes: 8 * PAGE, share: 'shared' });
  await mirror.fill(region.address, 8 * PAGE, 1);
  await region.unmap();
  expect(host.used).toBe(0);
  const other = space.map({ bytes: 8 * PAGE });
  await mirror.fill(other.address, 8 * PAGE, 2);
  expect(mirror.stats.evictions).toBe(0);
  await mirror.detach();
  await device.close();
});
