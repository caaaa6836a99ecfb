import { createSpace, managedMemory, RESIDENT_DEVICE } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { createRig, expectCode, layout, PAGE, pattern, TestSource } from './helpers.js';

const BASE = 0x4000_0000;

describe('remap', () => {
  it('grows in place where there is room; the new pages are zeros', async () => {
    await using space = await createSpace();
    const region = space.map({ bytes: 2 * PAGE, address: BASE, fixed: true, name: 'r' });
    await space.write(BASE, pattern(2 * PAGE));
    expect(await space.remap(BASE, 2 * PAGE, { bytes: 4 * PAGE })).toBe(region);
    expect(layout(space, BASE)).toEqual([[0, 4, 'r']]);
    expect(await space.read(BASE, 2 * PAGE)).toEqual(pattern(2 * PAGE));
    expect(await space.read(BASE + 2 * PAGE, 2 * PAGE)).toEqual(new Uint8Array(2 * PAGE));
  });

  it('moves to grow where there is none, and what the device has moves with it', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const region = space.map({ bytes: 2 * PAGE, address: BASE, fixed: true, name: 'r' });
    space.map({ bytes: PAGE, address: BASE + 2 * PAGE, fixed: true, name: 'wall' });
    await mirror.write(BASE, pattern(2 * PAGE));
    const { pagesIn } = mirror.stats;
    expect(await space.remap(BASE, 2 * PAGE, { bytes: 3 * PAGE })).toBe(region);
    const { address } = region;
    expect(address).not.toBe(BASE);
    expect(mirror.residency(address, 2 * PAGE).every((bits) => (bits & RESIDENT_DEVICE) !== 0)).toBe(true);
    expect(await mirror.read(address, 2 * PAGE)).toEqual(pattern(2 * PAGE));
    expect(mirror.stats.pagesIn).toBe(pagesIn);
    await expectCode(mirror.read(BASE, 4), 'ADDRESS_NOT_MAPPED');
    await expectCode(space.read(BASE, 4), 'ADDRESS_NOT_MAPPED');
    expect(await space.read(address, 3 * PAGE)).toEqual(Uint8Array.of(...pattern(2 * PAGE), ...new Uint8Array(PAGE)));
  });

  it('shrinks: what is cut off is unmapped and freed', async () => {
    const host = managedMemory();
    await using rig = await createRig({ space: { host } });
    const { space, mirror } = rig;
    space.map({ bytes: 4 * PAGE, address: BASE, fixed: true, name: 'r' });
    await mirror.write(BASE, pattern(4 * PAGE));
    await space.remap(BASE, 4 * PAGE, { bytes: PAGE });
    expect(layout(space, BASE)).toEqual([[0, 1, 'r']]);
    expect(host.used).toBe(1);
    await expectCode(mirror.read(BASE + PAGE, 1), 'ADDRESS_NOT_MAPPED');
    expect(await space.read(BASE, PAGE)).toEqual(pattern(4 * PAGE).subarray(0, PAGE));
  });

  it('moves to a fixed address and replaces what is there', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    space.map({ bytes: 2 * PAGE, address: BASE, fixed: true, name: 'r' });
    const victim = space.map({ bytes: 4 * PAGE, address: BASE + 8 * PAGE, fixed: true, name: 'victim' });
    await mirror.write(BASE, pattern(2 * PAGE));
    await mirror.write(victim.address, pattern(4 * PAGE, 2));
    const region = await space.remap(BASE, 2 * PAGE, { address: BASE + 9 * PAGE });
    expect(region.address).toBe(BASE + 9 * PAGE);
    expect(layout(space, BASE)).toEqual([
      [8, 9, 'victim'],
      [9, 11, 'r'],
      [11, 12, 'victim'],
    ]);
    expect(await mirror.read(region.address, 2 * PAGE)).toEqual(pattern(2 * PAGE));
    expect(await mirror.read(BASE + 11 * PAGE, PAGE)).toEqual(pattern(4 * PAGE, 2).subarray(3 * PAGE));
  });

  it.each([
    ['private', 'start', 0],
    ['shared', 'middle', 1],
    ['private', 'end', 2],
  ] as const)('moves a part of a %s file region: its %s', async (share, _where, page) => {
    await using space = await createSpace();
    const source = new TestSource(pattern(3 * PAGE));
    space.map({ bytes: 3 * PAGE, address: BASE, fixed: true, source, share, name: 'f' });
    await space.write(BASE + page * PAGE, Uint8Array.of(200));
    const region = await space.remap(BASE + page * PAGE, PAGE, { address: BASE + 16 * PAGE });
    const want = pattern(3 * PAGE);
    want[page * PAGE] = 200;
    expect(await space.read(region.address, PAGE)).toEqual(want.subarray(page * PAGE, (page + 1) * PAGE));
    for (let other = 0; other < 3; other++) {
      if (other === page) await expectCode(space.read(BASE + other * PAGE, 1), 'ADDRESS_NOT_MAPPED');
      else expect(await space.read(BASE + other * PAGE, PAGE)).toEqual(want.subarray(other * PAGE, (other + 1) * PAGE));
    }
  });

  it('keeps a fork and its parent apart after a move', async () => {
    await using space = await createSpace();
    space.map({ bytes: PAGE, address: BASE, fixed: true });
    await space.write(BASE, pattern(PAGE));
    await using child = await space.fork();
    const region = await child.remap(BASE, PAGE, { address: BASE + 4 * PAGE });
    await child.write(region.address, pattern(PAGE, 2));
    expect(await space.read(BASE, PAGE)).toEqual(pattern(PAGE));
    expect(await child.read(region.address, PAGE)).toEqual(pattern(PAGE, 2));
  });

  it('refuses what it cannot do and changes nothing', async () => {
    await using space = await createSpace({ addressBits: 32 });
    const source = new TestSource(pattern(2 * PAGE));
    space.map({ bytes: 2 * PAGE, address: BASE, fixed: true, name: 'a' });
    space.map({ bytes: 2 * PAGE, address: BASE + 2 * PAGE, fixed: true, source, name: 'f' });
    const before = layout(space, BASE);
    const spanning = await expectCode(space.remap(BASE + PAGE, 2 * PAGE, { bytes: PAGE }), 'INVALID_ARGUMENT');
    expect(spanning.address).toBe(BASE + 2 * PAGE);
    await expectCode(space.remap(BASE + 8 * PAGE, PAGE, { bytes: PAGE }), 'ADDRESS_NOT_MAPPED');
    await expectCode(space.remap(BASE, 2 * PAGE, { bytes: 2 ** 32 - 2 ** 21 }), 'OUT_OF_ADDRESS_SPACE');
    await expect(space.remap(BASE + 2 * PAGE, 2 * PAGE, { bytes: 3 * PAGE })).rejects.toThrow(RangeError);
    await expect(space.remap(BASE, 2 * PAGE, { address: BASE + PAGE })).rejects.toThrow(RangeError);
    await expect(space.remap(BASE, 2 * PAGE, { address: BASE + 100 })).rejects.toThrow(RangeError);
    await expect(space.remap(BASE, 2 * PAGE, { address: 0 })).rejects.toThrow(RangeError);
    expect(layout(space, BASE)).toEqual(before);
  });
});
