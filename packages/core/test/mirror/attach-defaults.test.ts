import { type AttachOptions, createSpace, type DeviceFeature, type JsProgram } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { openDevice, PAGE } from '../space/helpers.js';

const PAGES = 1024;
const FEATURES: readonly DeviceFeature[] = [
  'queues',
  'replayable-faults',
  'read-only-maps',
  'dirty-bits',
  'program:js',
];

/** Each unit loads the word of a page of its own. */
const load: JsProgram = {
  language: 'js',
  run: (ctx, { x }, [address]) => void ctx.load32(Number(address) + x * PAGE),
};

/** Goes five times through four times as many pages as there are frames; what came and went, and why. */
async function run(features: readonly DeviceFeature[], options: AttachOptions) {
  const device = await openDevice(PAGES / 4, { features, residentUnits: 16 });
  const space = await createSpace();
  const mirror = await space.attach(device, options);
  const { address } = space.map({ bytes: PAGES * PAGE });
  await space.write(address, new Uint8Array(PAGES * PAGE).fill(1));
  for (let i = 0; i < 5; i++) await mirror.launch(load, { args: [address], grid: [PAGES] }).wait();
  const { stats } = mirror;
  await space.close();
  await device.close();
  expect(device.violations).toEqual([]);
  return stats;
}

describe('where no policy is named', () => {
  it('a device that tells what it used has those of the set `default`', async () => {
    const [own, named] = [
      await run([...FEATURES, 'accessed-bits'], {}),
      await run([...FEATURES, 'accessed-bits'], { policies: 'default', placement: 'on-touch', thrashing: 'none' }),
    ];
    expect(own).toEqual(named);
    expect(Object.keys(own.evictionReasons)).toContain('next use far off');
    expect(own.prefetchUsed).toBeGreaterThan(0);
  });

  it('any other goes by its faults', async () => {
    const stats = await run(FEATURES, {});
    expect(stats).toEqual(await run(FEATURES, { eviction: 'lru', prefetch: 'tree' }));
    expect(Object.keys(stats.evictionReasons)).toEqual(['lru']);
  });

  it('reads make copies, so that a lost device takes nothing that it only read', async () => {
    const device = await openDevice(16);
    const space = await createSpace();
    const mirror = await space.attach(device);
    const { address } = space.map({ bytes: 4 * PAGE });
    await space.write(address, new Uint8Array(4 * PAGE).fill(7));
    await mirror.read(address, 4 * PAGE);
    await device.close();
    expect((await mirror.lost).ranges).toEqual([]);
    expect(await space.read(address, 4 * PAGE)).toEqual(new Uint8Array(4 * PAGE).fill(7));
    await space.close();
  });
});
