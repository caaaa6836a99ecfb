import { createSpace, type PrefetchPolicy, RESIDENT_DEVICE, validate } from '@mirrorspace/core';
import { expect, it } from 'vitest';
import { FakeDevice, FakeProcess, PAGE } from './fake.js';

it.each([99_999, -1, NaN])(
  'a prefetch policy that proposes what is no page of the region, %d of them, fails no access',
  async (count) => {
    const wrong: PrefetchPolicy = {
      name: 'wrong',
      plan({ faults, regionStart, regionEnd }, out) {
        out.set([NaN, -1, regionStart - 1, regionEnd, faults[0]! + 0.5, 2 ** 40, regionStart, regionStart]);
        return count;
      },
    };
    const process = new FakeProcess();
    const space = await createSpace({ host: process.memory() });
    const mirror = await space.attach(validate(new FakeDevice(process, 8)), { prefetch: () => wrong });
    const { address, bytes } = space.map({ bytes: 16 * PAGE });
    await mirror.write(address + 5 * PAGE, Uint8Array.of(7));
    expect(await space.read(address + 5 * PAGE, 1)).toEqual(Uint8Array.of(7));
    expect(mirror.residency(address, bytes).filter((bits) => (bits & RESIDENT_DEVICE) !== 0).length).toBeLessThan(3);
    await space.close();
  },
);
