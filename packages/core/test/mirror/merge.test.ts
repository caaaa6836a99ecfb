import { createSpace, managedMemory, MirrorError } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { createRig, openDevice, PAGE, pattern } from '../space/helpers.js';

const MERGEABLE = { mergeable: true };

/** A rig, and another space on its host memory and device; both hold `pages` equal mergeable pages. */
async function sharing(pages: number, options: Parameters<typeof createRig>[0] = {}) {
  const host = managedMemory();
  const rig = await createRig({ ...options, space: { host } });
  const other = await createSpace({ host });
  const mirror = await other.attach(rig.device, { prefetch: 'none', ...options.attach });
  const bytes = pages * PAGE;
  const [at, from] = [rig.space.map({ bytes }).address, other.map({ bytes }).address];
  await rig.space.advise(at, bytes, MERGEABLE);
  await other.advise(from, bytes, MERGEABLE);
  await rig.space.write(at, pattern(bytes));
  await other.write(from, pattern(bytes));
  return {
    ...rig,
    host,
    at,
    from,
    other,
    second: mirror,
    async [Symbol.asyncDispose]() {
      await other.close();
      await rig[Symbol.asyncDispose]();
      expect(host.used).toBe(0);
    },
  };
}

describe('merging beside devices', () => {
  it('lets two spaces have one frame on a device, until one of them writes', async () => {
    await using rig = await sharing(8, { frames: 9 });
    const { space, other, mirror, second, at, from } = rig;
    await space.merge();
    expect(await mirror.read(at, 8 * PAGE)).toEqual(pattern(8 * PAGE));
    expect(await second.read(from, 8 * PAGE)).toEqual(pattern(8 * PAGE));
    expect([mirror.stats.evictions + second.stats.evictions, mirror.stats.bytesIn + second.stats.bytesIn]).toEqual([
      0,
      8 * PAGE,
    ]);
    await second.write(from, pattern(PAGE, 2));
    expect(await mirror.read(at, PAGE)).toEqual(pattern(PAGE));
    expect(await space.read(at, PAGE)).toEqual(pattern(PAGE));
    expect(await other.read(from, PAGE)).toEqual(pattern(PAGE, 2));
  });

  it('refuses what is on its way to a device, and what has arrived, until it is home', async () => {
    await using rig = await sharing(4, { device: { latency: { command: 50 } } });
    const { space, mirror, at } = rig;
    const moving = mirror.migrate(at, 2 * PAGE, 'device');
    await Promise.resolve();
    expect(await space.merge()).toMatchObject({ merged: 2, refused: 2 });
    await moving;
    expect(await space.merge()).toMatchObject({ merged: 0, refused: 2 });
    await mirror.migrate(at, 2 * PAGE, 'host');
    await mirror.read(at, 2 * PAGE);
    expect(await space.merge()).toMatchObject({ merged: 0, refused: 2 });
    await mirror.migrate(at, 2 * PAGE, 'host');
    expect(await space.merge()).toMatchObject({ merged: 2, refused: 0 });
  });

  it('a device that runs out of host memory for its copy is told so, and the page stays', async () => {
    const host = managedMemory({ limit: 2 * PAGE });
    await using rig = await createRig({ space: { host } });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 2 * PAGE });
    await space.advise(address, 2 * PAGE, MERGEABLE);
    for (let page = 0; page < 2; page++) await space.write(address + page * PAGE, pattern(PAGE));
    await space.merge();
    const rest = space.map({ bytes: PAGE });
    await space.write(rest.address, pattern(PAGE, 3));
    await expect(mirror.write(address, pattern(8, 2))).rejects.toThrow(MirrorError);
    expect(await mirror.read(address, PAGE)).toEqual(pattern(PAGE));
    await rest.unmap();
    await mirror.write(address, pattern(PAGE, 2));
    expect(await space.read(address, PAGE)).toEqual(pattern(PAGE, 2));
    expect(await space.read(address + PAGE, PAGE)).toEqual(pattern(PAGE));
  });

  it('two devices read what is merged, and a write on one takes it from neither’s other entry', async () => {
    await using rig = await sharing(2);
    const { space, mirror, second, at, from, other } = rig;
    const device = await openDevice(8);
    const third = await other.attach(device, { prefetch: 'none' });
    await space.merge();
    for (const [one, start] of [
      [mirror, at],
      [second, from],
      [third, from],
    ] as const)
      expect(await one.read(start, 2 * PAGE)).toEqual(pattern(2 * PAGE));
    await third.write(from, pattern(PAGE, 5));
    expect(await second.read(from, PAGE)).toEqual(pattern(PAGE, 5));
    expect(await mirror.read(at, 2 * PAGE)).toEqual(pattern(2 * PAGE));
    expect(await third.read(from + PAGE, PAGE)).toEqual(pattern(2 * PAGE).subarray(PAGE));
    await third.detach();
    await device.close();
    expect(device.violations).toEqual([]);
  });

  it('a lost device leaves what was merged before to the others', async () => {
    await using rig = await sharing(2);
    const { space, other, mirror, device, at, from } = rig;
    await space.merge();
    await mirror.read(at, 2 * PAGE);
    await mirror.write(at, pattern(8, 9));
    await device.close();
    await mirror.lost;
    expect(await other.read(from, 2 * PAGE)).toEqual(pattern(2 * PAGE));
    await expect(space.read(at, PAGE)).rejects.toThrow(MirrorError);
    expect(await space.read(at + PAGE, PAGE)).toEqual(pattern(2 * PAGE).subarray(PAGE));
    expect(await space.merge()).toMatchObject({ merged: 0, refused: 1 });
  });
});
