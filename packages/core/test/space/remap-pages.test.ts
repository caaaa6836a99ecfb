import { memorySwap } from '@mirrorspace/core';
import { TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, test } from 'vitest';
import { createRig, expectBytes, expectCode, PAGE, pattern, TestSource } from './helpers.js';

const page = (index: number, seed = 1): Uint8Array =>
  pattern(8 * PAGE, seed).subarray(index * PAGE, (index + 1) * PAGE);

describe.each(['callback', 'unmap-flush'] as const)('remapPages (%s)', (form) => {
  test('shows pages of a file in any order, and one in several places', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const source = new TestSource(pattern(8 * PAGE));
    const region = space.map({ bytes: 4 * PAGE, source, share: 'shared' });
    const { address } = region;
    await mirror.write(address + PAGE, page(5, 9));
    await mirror.read(address, 4 * PAGE);
    await region.remapPages({ offset: 0, bytes: 2 * PAGE, from: 6 * PAGE, form });
    await space.regionAt(address + 2 * PAGE)!.remapPages({ offset: PAGE, bytes: PAGE, from: 6 * PAGE, form });
    const shown = [page(6), page(7), page(2), page(6)];
    for (const who of [mirror, space])
      for (const [i, bytes] of shown.entries()) expectBytes(await who.read(address + i * PAGE, PAGE), bytes);
    await mirror.write(address + 3 * PAGE, page(3, 4));
    expectBytes(await space.read(address, PAGE), page(3, 4));
    await space.sync(address, 4 * PAGE);
    expectBytes(source.bytes.subarray(6 * PAGE, 7 * PAGE), page(3, 4));
    // What the device wrote before is in the file, where it belongs.
    expect(space.regions().length).toBe(3);
    await space.close();
    expectBytes(source.bytes.subarray(PAGE, 2 * PAGE), page(5, 9));
  });

  test('lets pages of private memory change places, wherever they are', async () => {
    await using rig = await createRig({ space: { reclaim: { swap: memorySwap(64 * PAGE) } } });
    const { space, mirror } = rig;
    const region = space.map({ bytes: 8 * PAGE });
    const { address } = region;
    await space.write(address, pattern(4 * PAGE));
    await space.pageOut(address + 3 * PAGE, PAGE);
    await mirror.write(address + PAGE, page(1, 2));
    await mirror.read(address + 2 * PAGE, 1);
    await region.remapPages({ offset: 0, bytes: 4 * PAGE, from: 4 * PAGE, form });
    expect(space.regions().length).toBe(1);
    const shown = [undefined, undefined, undefined, undefined, page(0), page(1, 2), page(2), page(3)];
    for (const who of [mirror, space])
      for (const [i, bytes] of shown.entries())
        expectBytes(await who.read(address + i * PAGE, PAGE), bytes ?? new Uint8Array(PAGE));
    expect(space.written(address, 8 * PAGE)).toEqual([{ start: address + 4 * PAGE, end: address + 8 * PAGE }]);
  });

  test('a fork keeps the old order', async () => {
    await using rig = await createRig();
    const { space } = rig;
    const region = space.map({ bytes: 2 * PAGE });
    await space.write(region.address, pattern(2 * PAGE));
    await using child = await space.fork();
    await region.remapPages({ offset: 0, bytes: PAGE, from: PAGE, form });
    expectBytes(await space.read(region.address, PAGE), page(1));
    expectBytes(await child.read(region.address, PAGE), page(0));
  });

  test('refuses what makes no sense', async () => {
    await using rig = await createRig();
    const { space } = rig;
    const region = space.map({ bytes: 4 * PAGE });
    const copies = space.map({ bytes: PAGE, source: new TestSource(pattern(PAGE)) });
    await expect(region.remapPages({ offset: 0, bytes: 2 * PAGE, from: PAGE, form })).rejects.toThrow(RangeError);
    await expect(region.remapPages({ offset: 8, bytes: PAGE, from: PAGE, form })).rejects.toThrow(RangeError);
    await expectCode(copies.remapPages({ offset: 0, bytes: PAGE, from: 0, form }), 'INVALID_ARGUMENT');
  });
});

describe('the two forms of remapPages', () => {
  test('unmap-flush says so when the region is split while it waits, and rearranges nothing', async () => {
    await using rig = await createRig({ device: { latency: TYPICAL_LATENCY } });
    const { space, mirror } = rig;
    const region = space.map({ bytes: 4 * PAGE });
    const { address } = region;
    await space.write(address, pattern(4 * PAGE));
    await mirror.read(address, 4 * PAGE);
    const work = expectCode(region.remapPages({ offset: 0, bytes: PAGE, from: PAGE, form: 'unmap-flush' }), 'BUSY');
    await Promise.resolve();
    await space.protect(address + 3 * PAGE, PAGE, 'read');
    await work;
    expectBytes(await space.read(address, 4 * PAGE), pattern(4 * PAGE));
    expectBytes(await mirror.read(address, 4 * PAGE), pattern(4 * PAGE));
  });

  test('callback changes entries at once; unmap-flush when devices have let go', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const region = space.map({ bytes: 2 * PAGE });
    const { address } = region;
    await space.write(address, pattern(2 * PAGE));
    await mirror.read(address, 2 * PAGE);
    const before = mirror.stats.flushes;
    const first = region.remapPages({ offset: 0, bytes: PAGE, from: PAGE });
    expect(mirror.stats.flushes).toBe(before);
    expectBytes(await space.read(address, PAGE), page(1));
    await first;
    const second = region.remapPages({ offset: 0, bytes: PAGE, from: PAGE, form: 'unmap-flush' });
    const reading = space.read(address, PAGE);
    await second;
    expectBytes(await reading, page(0));
    expectBytes(await mirror.read(address, PAGE), page(0));
  });
});
