import { createSpace, type JsProgram } from '@mirrorspace/core';
import { expect, it } from 'vitest';
import { createRig, expectBytes, openDevice, PAGE, pattern } from '../space/helpers.js';

/** Each unit stores its number in a page of its own. */
const store: JsProgram = {
  language: 'js',
  run: (ctx, { x }, [address]) => ctx.store32(Number(address) + x * PAGE, x + 1),
};

it('faults that a batch leaves in the buffer are forgotten with its replay: what came meanwhile is no batch of its own', async () => {
  await using rig = await createRig({ attach: { batch: 4, prefetch: 'local' } });
  const { space, mirror } = rig;
  const { address } = space.map({ bytes: 16 * PAGE });
  const before = pattern(16 * PAGE);
  await space.write(address, before);
  await mirror.launch(store, { args: [address], grid: [16] }).wait();
  // The first batch has faults on 4 pages, and brings the other 12 of the 64 KiB along.
  expect(mirror.stats).toMatchObject({ batches: 1, faults: 4, prefetched: 12 });
  for (let page = 0; page < 16; page++) before.set([page + 1, 0, 0, 0], page * PAGE);
  expectBytes(await space.read(address, 16 * PAGE), before);
});

it('faults that are forgotten are reported again, whosesoever they are', async () => {
  const device = await openDevice(64);
  const [one, other] = [await createSpace(), await createSpace()];
  const mirrors = await Promise.all([one, other].map((space) => space.attach(device, { batch: 4, prefetch: 'none' })));
  const regions = [one, other].map((space) => space.map({ bytes: 16 * PAGE }));
  const fences = mirrors.map((mirror, i) =>
    mirror.launch(store, { args: [regions[i]!.address], grid: [16], queue: i }),
  );
  await Promise.all(fences.map((fence) => fence.wait()));
  for (const [i, space] of [one, other].entries()) {
    for (let page = 0; page < 16; page++)
      expect((await space.read(regions[i]!.address + page * PAGE, 1))[0]).toBe(page + 1);
    expect(mirrors[i]!.stats.faults).toBe(16);
    await space.close();
  }
  await device.close();
  expect(device.violations).toEqual([]);
});
