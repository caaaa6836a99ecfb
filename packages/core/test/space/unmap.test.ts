import { createSpace, managedMemory } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { createRig, expectCode, layout, PAGE, pattern } from './helpers.js';

const BASE = 0x4000_0000;

describe('unmap', () => {
  it.each([
    ['whole', 0, 6, []],
    ['start', 0, 2, [[2, 6, 'r']]],
    ['end', 4, 6, [[0, 4, 'r']]],
    [
      'middle',
      2,
      4,
      [
        [0, 2, 'r'],
        [4, 6, 'r'],
      ],
    ],
  ] as const)('takes the %s of a region', async (_name, from, to, left) => {
    const host = managedMemory();
    await using rig = await createRig({ space: { host } });
    const { space, mirror } = rig;
    const region = space.map({ bytes: 6 * PAGE, address: BASE, fixed: true, name: 'r' });
    await space.write(BASE, pattern(6 * PAGE));
    await mirror.fill(BASE + 3 * PAGE, PAGE, 9);
    await mirror.read(BASE, 6 * PAGE);
    await region.unmap({ offset: from * PAGE, bytes: (to - from) * PAGE });
    expect(layout(space, BASE)).toEqual(left);
    expect(region.closed).toBe(left.length === 0);
    expect(host.used).toBe(6 - (to - from));
    const want = pattern(6 * PAGE).fill(9, 3 * PAGE, 4 * PAGE);
    for (let page = 0; page < 6; page++) {
      const at = BASE + page * PAGE;
      if (page >= from && page < to) {
        const error = await expectCode(space.read(at, 1), 'ADDRESS_NOT_MAPPED');
        expect(error.address).toBe(at);
        await expectCode(mirror.read(at, 1), 'ADDRESS_NOT_MAPPED');
      } else {
        expect(await mirror.read(at, PAGE)).toEqual(want.subarray(page * PAGE, (page + 1) * PAGE));
        expect(await space.read(at, PAGE)).toEqual(want.subarray(page * PAGE, (page + 1) * PAGE));
      }
    }
  });

  it('goes across regions and holes', async () => {
    const host = managedMemory();
    await using space = await createSpace({ host });
    for (const page of [0, 4, 8]) {
      space.map({ bytes: 2 * PAGE, address: BASE + page * PAGE, fixed: true, name: `r${page}` });
      await space.write(BASE + page * PAGE, pattern(2 * PAGE, page));
    }
    await space.unmap(BASE + PAGE, 8 * PAGE);
    expect(layout(space, BASE)).toEqual([
      [0, 1, 'r0'],
      [9, 10, 'r8'],
    ]);
    expect(await space.read(BASE + 9 * PAGE, PAGE)).toEqual(pattern(2 * PAGE, 8).subarray(PAGE));
    expect(host.used).toBe(2);
    await space.unmap(BASE + PAGE, 8 * PAGE);
    expect(host.used).toBe(2);
  });

  it('takes whole pages, also for a range that lies within them', async () => {
    await using space = await createSpace();
    space.map({ bytes: 3 * PAGE, address: BASE, fixed: true, name: 'r' });
    await space.unmap(BASE + PAGE + 100, 1);
    expect(layout(space, BASE)).toEqual([
      [0, 1, 'r'],
      [2, 3, 'r'],
    ]);
  });

  it('is done for the CPU at once, before its promise resolves', async () => {
    await using rig = await createRig({ device: { latency: { command: 50 } } });
    const { space, mirror } = rig;
    const region = space.map({ bytes: PAGE });
    await mirror.fill(region.address, PAGE, 3);
    const { address } = region;
    const done = region.unmap();
    expect(region.closed).toBe(true);
    expect(space.regionAt(address)).toBeUndefined();
    await expectCode(space.read(address, 1), 'ADDRESS_NOT_MAPPED');
    await done;
    await expectCode(mirror.read(address, 1), 'ADDRESS_NOT_MAPPED');
  });

  it('never shows old contents at a reused address', async () => {
    await using rig = await createRig({ frames: 4, device: { latency: { command: 20 } } });
    const { space, mirror } = rig;
    for (let round = 0; round < 4; round++) {
      const region = space.map({ bytes: 2 * PAGE, address: BASE, fixed: true });
      expect(await mirror.read(BASE, 2 * PAGE)).toEqual(new Uint8Array(2 * PAGE));
      await mirror.fill(BASE, 2 * PAGE, round + 1);
      if (round % 2 === 0) void region.unmap();
    }
    expect(await mirror.read(BASE, 4)).toEqual(new Uint8Array(4).fill(4));
  }, 20_000);

  it('stays within its region', async () => {
    await using space = await createSpace();
    const low = space.map({ bytes: 2 * PAGE, address: BASE, fixed: true, name: 'low' });
    const high = space.map({ bytes: 2 * PAGE, address: BASE + 2 * PAGE, fixed: true, name: 'high' });
    await expect(high.unmap({ offset: -PAGE, bytes: PAGE })).rejects.toThrow(RangeError);
    await expect(low.unmap({ offset: PAGE, bytes: 2 * PAGE })).rejects.toThrow(RangeError);
    await expect(low.acquire('write', { offset: PAGE, bytes: 2 * PAGE })).rejects.toThrow(RangeError);
    await expect(high.acquire('write', { offset: -8, bytes: 8 })).rejects.toThrow(RangeError);
    expect(layout(space, BASE)).toEqual([
      [0, 2, 'low'],
      [2, 4, 'high'],
    ]);
  });

  it('of a closed region is done already; holding one fails with CLOSED', async () => {
    await using space = await createSpace();
    const region = space.map({ bytes: PAGE });
    await region.unmap();
    await region.unmap();
    await expectCode(region.acquire('read'), 'CLOSED');
  });
});
