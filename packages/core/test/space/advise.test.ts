import { RESIDENT_DEVICE, RESIDENT_HOST, RESIDENT_WRITABLE } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { createRig, expectCode, layout, openDevice, PAGE, pattern, settle, TestSource } from './helpers.js';

const BASE = 0x4000_0000;
const BOTH = RESIDENT_HOST | RESIDENT_DEVICE;
const OWNER = RESIDENT_DEVICE | RESIDENT_WRITABLE;

describe('advise', () => {
  it('preferredLocation: a device that is preferred owns what it reads', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 2 * PAGE });
    await space.write(address, pattern(2 * PAGE));
    await mirror.read(address, 4);
    expect(mirror.residency(address, PAGE)[0]).toBe(BOTH);
    await space.advise(address + PAGE, PAGE, { preferredLocation: mirror });
    await mirror.read(address + PAGE, 4);
    expect(mirror.residency(address + PAGE, PAGE)[0]).toBe(OWNER);
  });

  it('preferredLocation: nothing is brought ahead of faults to where it is not preferred', async () => {
    await using rig = await createRig({ attach: { prefetch: 'tree' } });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 32 * PAGE });
    await space.write(address, pattern(32 * PAGE));
    await space.advise(address, 16 * PAGE, { preferredLocation: 'host' });
    for (let page = 0; page < 12; page++) await mirror.read(address + page * PAGE, 1);
    expect(mirror.stats.prefetched).toBe(0);
    for (let page = 16; page < 28; page++) await mirror.read(address + page * PAGE, 1);
    expect(mirror.stats.prefetched).toBeGreaterThan(0);
  });

  it('readMostly: a read makes a copy even where the device is preferred', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: PAGE });
    await space.write(address, pattern(PAGE));
    await space.advise(address, PAGE, { preferredLocation: mirror, readMostly: true });
    await mirror.read(address, 4);
    expect(mirror.residency(address, PAGE)[0]).toBe(BOTH);
  });

  it('accessedBy: the mirror gets the pages again after each CPU hold', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 4 * PAGE });
    await space.advise(address, 2 * PAGE, { accessedBy: [mirror] });
    await space.write(address, pattern(4 * PAGE));
    await settle();
    expect([...mirror.residency(address, 4 * PAGE)]).toEqual([BOTH, BOTH, 1, 1]);
    expect(await mirror.read(address, 2 * PAGE)).toEqual(pattern(4 * PAGE).subarray(0, 2 * PAGE));
    expect(mirror.stats.faults).toBe(0);
  });

  it('splits regions at the ends of its range, keeps what it does not name, and reads back', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    space.map({ bytes: 4 * PAGE, address: BASE, fixed: true, name: 'r' });
    await space.advise(BASE, 4 * PAGE, { readMostly: true });
    await space.advise(BASE + PAGE, PAGE, { preferredLocation: mirror });
    expect(layout(space, BASE)).toEqual([
      [0, 1, 'r'],
      [1, 2, 'r'],
      [2, 4, 'r'],
    ]);
    expect(space.regionAt(BASE)!.advice).toEqual({ readMostly: true });
    expect(space.regionAt(BASE + PAGE)!.advice).toEqual({ readMostly: true, preferredLocation: mirror });
    await space.advise(BASE + PAGE, PAGE, { preferredLocation: null });
    expect(space.regionAt(BASE + PAGE)!.advice.preferredLocation).toBeNull();
  });

  it('pin: refuses what nobody may read, and changes nothing', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const region = space.map({ bytes: 2 * PAGE });
    await mirror.read(region.address, 2 * PAGE);
    await space.protect(region.address + PAGE, PAGE, 'none');
    const error = await expectCode(space.advise(region.address, 2 * PAGE, { pin: mirror }), 'ACCESS_DENIED');
    expect(error.address).toBe(region.address + PAGE);
    expect(region.advice).toEqual({});
  });

  it('pin: moves with the advice from one device to another', async () => {
    await using rig = await createRig({ frames: 4 });
    const { space, mirror } = rig;
    const other = await openDevice(4);
    const second = await space.attach(other, { prefetch: 'none' });
    const { address } = space.map({ bytes: 2 * PAGE });
    const fill = space.map({ bytes: 8 * PAGE });
    await space.write(address, pattern(2 * PAGE));
    await space.advise(address, 2 * PAGE, { pin: mirror });
    await space.advise(address, 2 * PAGE, { pin: second });
    for (const one of [mirror, second])
      for (let page = 0; page < 8; page++) await one.read(fill.address + page * PAGE, 1);
    expect([...mirror.residency(address, 2 * PAGE)]).toEqual([1, 1]);
    expect([...second.residency(address, 2 * PAGE)]).toEqual([BOTH, BOTH]);
    await second.detach();
    await other.close();
    expect(other.violations).toEqual([]);
  });
});

describe('willNeed', () => {
  it('brings a range to a device ahead of faults', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const source = new TestSource(pattern(4 * PAGE));
    const { address } = space.map({ bytes: 4 * PAGE, source });
    await space.willNeed(address, 4 * PAGE, mirror);
    expect(await mirror.read(address, 4 * PAGE)).toEqual(pattern(4 * PAGE));
    expect([mirror.stats.faults, source.reads.length]).toEqual([0, 1]);
  });
});

describe('dontNeed', () => {
  it('gives zeros in private anonymous memory, on the CPU and on devices', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 3 * PAGE });
    await space.write(address, pattern(3 * PAGE));
    await mirror.fill(address + PAGE, PAGE, 7);
    await space.dontNeed(address, 2 * PAGE);
    expect(await mirror.read(address, 2 * PAGE)).toEqual(new Uint8Array(2 * PAGE));
    expect(await space.read(address, 3 * PAGE)).toEqual(
      Uint8Array.of(...new Uint8Array(2 * PAGE), ...pattern(3 * PAGE).subarray(2 * PAGE)),
    );
  });

  it('keeps shared contents', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: PAGE, share: 'shared' });
    await mirror.write(address, pattern(PAGE));
    await space.dontNeed(address, PAGE);
    expect(await mirror.read(address, PAGE)).toEqual(pattern(PAGE));
    expect(await space.read(address, PAGE)).toEqual(pattern(PAGE));
  });
});
