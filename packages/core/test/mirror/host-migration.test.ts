import {
  createSpace,
  type HostMigrationPolicy,
  managedMemory,
  type Mirror,
  RESIDENT_DEVICE,
  RESIDENT_WRITABLE,
} from '@mirrorspace/core';
import { TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { createRig, expectCode, openDevice, PAGE, pattern, settle } from '../space/helpers.js';
import { countUp } from './helpers.js';

const BASE = 0x4000_0000;
const POLICIES: readonly HostMigrationPolicy[] = ['forbid', 'migrate', 'unmap'];

/** Writes pages from the last to the first, so that they do not lie side by side. */
async function scatter(space: Awaited<ReturnType<typeof createSpace>>, pages: number): Promise<void> {
  space.map({ bytes: pages * PAGE, address: BASE, fixed: true });
  for (let page = pages - 1; page >= 0; page--) await space.write(BASE + page * PAGE, pattern(PAGE, page));
}

function resident(mirror: Mirror, pages: number, bit = RESIDENT_DEVICE): number {
  return mirror.residency(BASE, pages * PAGE).filter((bits) => (bits & bit) !== 0).length;
}

describe.each(POLICIES)('host migration, %s', (devicePages) => {
  const stays = devicePages === 'forbid';
  const leaves = devicePages === 'unmap';

  it('keeps contents, whoever has them: copied, owned and not written, owned and written', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    await scatter(space, 8);
    await mirror.read(BASE, 2 * PAGE);
    await mirror.migrate(BASE + 2 * PAGE, 2 * PAGE, 'device');
    await mirror.write(BASE + 4 * PAGE, pattern(2 * PAGE, 40));
    const before = { ...mirror.stats };
    const result = await space.relocate(BASE, 8 * PAGE, { devicePages });
    expect(result).toEqual({ moved: stays ? 2 : 8, refused: stays ? 6 : 0, contiguous: !stays });
    expect(resident(mirror, 8)).toBe(leaves ? 0 : 6);
    expect(resident(mirror, 8, RESIDENT_WRITABLE)).toBe(leaves ? 0 : 4);
    expect(mirror.stats.pagesOut - before.pagesOut).toBe(leaves ? 2 : 0);
    expect(mirror.stats.flushes - before.flushes).toBe(0);
    expect(mirror.stats.invalidated - before.invalidated).toBe(0);
    // What the device has it can use as before, without a fault.
    expect(await mirror.read(BASE + 4 * PAGE, 2 * PAGE)).toEqual(pattern(2 * PAGE, 40));
    await mirror.write(BASE + 5 * PAGE, pattern(PAGE, 50));
    expect(mirror.stats.faults - before.faults).toBe(leaves ? 3 : 0);
    for (const page of [0, 1, 2, 3, 6, 7])
      expect(await space.read(BASE + page * PAGE, PAGE)).toEqual(pattern(PAGE, page));
    expect(await space.read(BASE + 4 * PAGE, PAGE)).toEqual(pattern(2 * PAGE, 40).subarray(0, PAGE));
    expect(await space.read(BASE + 5 * PAGE, PAGE)).toEqual(pattern(PAGE, 50));
  });

  it('keeps two devices and two spaces that share pages in step', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const second = await openDevice(16);
    const other = await space.attach(second, { prefetch: 'none' });
    await scatter(space, 4);
    const child = await space.fork();
    const childMirror = await child.attach(second, { prefetch: 'none' });
    await mirror.read(BASE, 4 * PAGE);
    await other.read(BASE, 3 * PAGE);
    await childMirror.read(BASE + PAGE, 2 * PAGE);
    const result = await child.relocate(BASE, 4 * PAGE, { devicePages });
    expect(result.moved).toBe(stays ? 0 : 4);
    await mirror.write(BASE, pattern(PAGE, 60));
    await childMirror.write(BASE + PAGE, pattern(PAGE, 61));
    for (let page = 0; page < 4; page++) {
      const at = BASE + page * PAGE;
      const mine = pattern(PAGE, page === 0 ? 60 : page);
      for (const read of [mirror, other, space]) expect(await read.read(at, PAGE)).toEqual(mine);
      const childs = pattern(PAGE, page === 1 ? 61 : page);
      for (const read of [childMirror, child]) expect(await read.read(at, PAGE)).toEqual(childs);
    }
    await child.close();
    await other.detach();
    await second.close();
    expect(second.violations).toEqual([]);
  });

  it('leaves what advice pins to a device there', async () => {
    await using rig = await createRig({ frames: 8 });
    const { space, mirror } = rig;
    await scatter(space, 4);
    await space.advise(BASE, 2 * PAGE, { pin: mirror });
    const { moved } = await space.relocate(BASE, 4 * PAGE, { devicePages });
    expect(moved).toBe(devicePages === 'migrate' ? 4 : 2);
    // More than the device has: all but the pinned ones have to go.
    const rest = space.map({ bytes: 16 * PAGE });
    await mirror.fill(rest.start, rest.bytes, 3);
    expect(resident(mirror, 4)).toBe(2);
    for (const page of [0, 1]) expect(await mirror.read(BASE + page * PAGE, PAGE)).toEqual(pattern(PAGE, page));
    await space.advise(BASE, 2 * PAGE, { pin: null });
  });

  it('moves what was lost, and it stays lost until it is written whole', async () => {
    await using space = await createSpace();
    const device = await openDevice(32, { faults: [{ do: 'lose', at: { kind: 'atomicAdd', nth: 1 } }] });
    const mirror = await space.attach(device, { prefetch: 'none' });
    await scatter(space, 4);
    await mirror.write(BASE + PAGE, pattern(PAGE, 9));
    await expectCode(mirror.atomicAdd(BASE + 3 * PAGE, 1), 'DEVICE_LOST');
    await mirror.lost;
    expect(await space.relocate(BASE, 4 * PAGE, { devicePages })).toEqual({ moved: 4, refused: 0, contiguous: true });
    await expectCode(space.read(BASE + PAGE, PAGE), 'DEVICE_LOST');
    await space.write(BASE + PAGE, pattern(PAGE, 70));
    expect(await space.read(BASE + PAGE, PAGE)).toEqual(pattern(PAGE, 70));
    expect(await space.read(BASE, PAGE)).toEqual(pattern(PAGE, 0));
    await device.close();
  });

  it('goes on when the device is lost in the middle', async () => {
    const host = managedMemory();
    const space = await createSpace({ host });
    const device = await openDevice(64, {
      latency: TYPICAL_LATENCY,
      faults: [{ do: 'lose', at: { kind: 'launch', nth: 2 } }],
    });
    const mirror = await space.attach(device, { prefetch: 'none' });
    await scatter(space, 32);
    await mirror.launch(countUp, { grid: [16], args: [BASE, PAGE, 16] }).wait();
    const fence = mirror.launch(countUp, { grid: [2000], args: [BASE, PAGE, 32] });
    const passes = [space.relocate(BASE, 32 * PAGE, { devicePages }), space.compact({ devicePages })];
    await expect(fence.wait()).rejects.toThrow();
    await Promise.all(passes);
    const { ranges } = await mirror.lost;
    const lost = (page: number) =>
      ranges.some(({ start, end }) => start <= BASE + page * PAGE && BASE + page * PAGE < end);
    for (let page = 0; page < 32; page++) {
      if (lost(page)) await expectCode(space.read(BASE + page * PAGE, PAGE), 'DEVICE_LOST');
      else if (page >= 16) expect(await space.read(BASE + page * PAGE, PAGE)).toEqual(pattern(PAGE, page));
    }
    expect(await space.relocate(BASE, 32 * PAGE, { devicePages })).toMatchObject({ contiguous: true });
    await space.close();
    expect(host.used).toBe(0);
    await device.close();
  });

  it('works beside fork, unmap, holds, detach and close', async () => {
    const host = managedMemory();
    const space = await createSpace({ host });
    const device = await openDevice(64, { latency: TYPICAL_LATENCY });
    const mirror = await space.attach(device, { prefetch: 'none' });
    await scatter(space, 32);
    await mirror.launch(countUp, { grid: [32], args: [BASE, PAGE, 32] }).wait();
    const pass = space.relocate(BASE, 32 * PAGE, { devicePages });
    const forking = space.fork();
    const unmapping = space.unmap(BASE + 5 * PAGE, PAGE);
    const held = await space.acquire(BASE + 20 * PAGE, 2 * PAGE, 'write');
    const fence = mirror.launch(countUp, { grid: [64], args: [BASE + 8 * PAGE, PAGE, 8] });
    await settle();
    held.release();
    await Promise.all([pass, unmapping, fence.wait()]);
    const child = await forking;
    const again = child.relocate(BASE + 6 * PAGE, 26 * PAGE, { devicePages });
    await mirror.detach();
    await again;
    for (let page = 6; page < 32; page++) {
      const expected = pattern(PAGE, page);
      const word = new DataView(expected.buffer);
      word.setUint32(0, word.getUint32(0, true) + 1, true);
      expect(await child.read(BASE + page * PAGE, PAGE)).toEqual(expected);
      word.setUint32(0, word.getUint32(0, true) + (page >= 8 && page < 16 ? 8 : 0), true);
      expect(await space.read(BASE + page * PAGE, PAGE)).toEqual(expected);
    }
    const last = space.relocate(BASE + 8 * PAGE, 8 * PAGE, { devicePages }).catch((error: unknown) => error);
    await Promise.all([child.close(), space.close(), last]);
    expect(host.used).toBe(0);
    await device.close();
    expect(device.violations).toEqual([]);
  });
});

it('gives the device’s frame of a moved page to others as before', async () => {
  await using rig = await createRig({ frames: 4 });
  const { space, mirror } = rig;
  await scatter(space, 4);
  await mirror.write(BASE, pattern(4 * PAGE, 30));
  await space.relocate(BASE, 4 * PAGE);
  const rest = space.map({ bytes: 4 * PAGE });
  await mirror.fill(rest.start, rest.bytes, 7);
  expect(mirror.stats.evictions).toBe(4);
  expect(await space.read(BASE, 4 * PAGE)).toEqual(pattern(4 * PAGE, 30));
});
