import {
  type AddressSpace,
  FLAG_ACCESSED,
  FLAG_CACHED,
  FLAG_DIRTY,
  FLAG_HELD,
  FLAG_IN_USE,
  FLAG_LOST,
  FLAG_OWNED,
  FLAG_PRESENT,
  FLAG_SHARED,
  FLAG_SWAPPED,
  FLAG_ZERO,
  memorySwap,
} from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { describe, expect, test } from 'vitest';
import { createRig, openDevice, PAGE, pattern, settle, TestSource } from '../space/helpers.js';

test('flags say what a page is and who uses it', async () => {
  await using rig = await createRig({ space: { reclaim: { swap: memorySwap(8 * PAGE) } } });
  const { space, mirror } = rig;
  const { address } = space.map({ bytes: 6 * PAGE });
  const flags = (page = 0) => space.pageFlags(address + page * PAGE, PAGE)[0]!;
  expect([...space.pageFlags(address, 6 * PAGE)]).toEqual([0, 0, 0, 0, 0, 0]);
  await space.write(address, pattern(4 * PAGE));
  expect(flags()).toBe(FLAG_PRESENT);
  await mirror.read(address, 1);
  expect(flags()).toBe(FLAG_PRESENT | FLAG_IN_USE);
  await mirror.write(address + PAGE, pattern(1));
  expect(flags(1)).toBe(FLAG_PRESENT | FLAG_IN_USE | FLAG_OWNED);
  expect(space.devicesWith(address + PAGE)).toEqual([mirror.device.info.name]);
  await mirror.harvest(address, 2 * PAGE);
  expect(flags()).toBe(FLAG_PRESENT | FLAG_IN_USE | FLAG_ACCESSED);
  await space.pageOut(address + 2 * PAGE, PAGE);
  expect(flags(2)).toBe(FLAG_SWAPPED);
  expect(space.devicesWith(address + 2 * PAGE)).toEqual([]);
  {
    using held = await space.acquire(address + 4 * PAGE, PAGE, 'read');
    expect(held.bytes[0]).toBe(0);
    expect(flags(4)).toBe(FLAG_PRESENT | FLAG_ZERO | FLAG_HELD);
  }
  await using child = await space.fork();
  expect(flags(3)).toBe(FLAG_PRESENT | FLAG_SHARED);
  await child.close();
  expect(flags(3)).toBe(FLAG_PRESENT);
});

test('a page of a file is cached, and dirty until it is written back, harvested dirty bits included', async () => {
  await using rig = await createRig();
  const { space, mirror } = rig;
  const { address } = space.map({ bytes: PAGE, source: new TestSource(pattern(PAGE)), share: 'shared' });
  await mirror.write(address, pattern(4, 2));
  await mirror.harvest(address, PAGE);
  const flags = () => space.pageFlags(address, PAGE)[0]! & (FLAG_CACHED | FLAG_DIRTY);
  expect(flags()).toBe(FLAG_CACHED | FLAG_DIRTY);
  expect(await space.sync(address, PAGE)).toBe(1);
  expect(flags()).toBe(FLAG_CACHED);
});

test('an anonymous page is dirty from the harvest that found it written until it is home', async () => {
  await using rig = await createRig();
  const { space, mirror } = rig;
  const { address } = space.map({ bytes: 3 * PAGE });
  const dirty = () => Array.from(space.pageFlags(address, 3 * PAGE), (flags) => flags & (FLAG_DIRTY | FLAG_OWNED));
  await space.write(address, pattern(PAGE));
  await mirror.read(address, 1);
  await mirror.prefetch(address + PAGE, PAGE, { access: 'write' });
  await mirror.write(address + 2 * PAGE, pattern(4));
  // Nobody has asked the device yet.
  expect(dirty()).toEqual([0, FLAG_OWNED, FLAG_OWNED]);
  await mirror.harvest(address, 3 * PAGE);
  expect(dirty()).toEqual([0, FLAG_OWNED, FLAG_OWNED | FLAG_DIRTY]);
  await mirror.harvest(address, 3 * PAGE);
  expect(dirty()).toEqual([0, FLAG_OWNED, FLAG_OWNED | FLAG_DIRTY]);
  await space.read(address, 3 * PAGE);
  expect(dirty()).toEqual([0, 0, 0]);
  await mirror.write(address + 2 * PAGE, pattern(4, 2));
  // The entry goes with its bit, unread.
  await space.protect(address, 3 * PAGE, 'read');
  expect(dirty()[2]).toBe(FLAG_OWNED | FLAG_DIRTY);
  await mirror.migrate(address, 3 * PAGE, 'host');
  expect(dirty()).toEqual([0, 0, 0]);
});

test('two devices, and one that is lost', async () => {
  await using rig = await createRig();
  const { space, mirror } = rig;
  const other = await openDevice(8, { name: 'other' });
  const second = await space.attach(other);
  const { address } = space.map({ bytes: PAGE });
  await space.write(address, pattern(PAGE));
  await mirror.read(address, 1);
  await second.read(address, 1);
  expect(space.devicesWith(address)).toEqual([mirror.device.info.name, 'other']);
  const dying = await memory.open({ memory: 4 * PAGE, pageSizes: [PAGE] });
  const third = await space.attach(dying);
  await third.write(address, pattern(4));
  await dying.close();
  await third.lost;
  expect(space.pageFlags(address, PAGE)[0]).toBe(FLAG_PRESENT | FLAG_LOST);
  await third.detach();
  await second.detach();
  await other.close();
});

describe('accessed state is cleared on the CPU side by whoever looks at it', () => {
  const accessed = (space: AddressSpace, address: number) => (space.pageFlags(address, PAGE)[0]! & FLAG_ACCESSED) !== 0;

  test.each(['device', 'global'] as const)('reclaim looks at pages in use, %s lists', async (lists) => {
    await using rig = await createRig({ space: { reclaim: { swap: memorySwap(8 * PAGE), lists } } });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 3 * PAGE });
    await space.write(address, pattern(3 * PAGE));
    using _held = await space.acquire(address, PAGE, 'read');
    for (let page = 0; page < 3; page++) await mirror.read(address + page * PAGE, 4);
    await mirror.harvest(address, 3 * PAGE);
    const flags = () => [0, 1, 2].map((page) => accessed(space, address + page * PAGE));
    expect(flags()).toEqual([true, true, true]);
    await mirror.read(address + PAGE, 4);
    expect(await space.reclaim(PAGE)).toBe(PAGE);
    // The first is held, so it stays although nobody used it; the second stays since the device did; the third left.
    expect(flags()).toEqual([false, true, false]);
    expect([...space.pageFlags(address + PAGE, 2 * PAGE)]).toEqual([expect.any(Number), FLAG_SWAPPED]);
    expect(await space.reclaim(PAGE)).toBe(PAGE);
    expect(space.pageFlags(address + PAGE, PAGE)[0]).toBe(FLAG_SWAPPED);
  });

  test('reclaim looks at pages that have come home', async () => {
    await using rig = await createRig({ space: { reclaim: { swap: memorySwap(8 * PAGE) } } });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: PAGE });
    await mirror.write(address, pattern(PAGE));
    await mirror.harvest(address, PAGE);
    await mirror.migrate(address, PAGE, 'host');
    expect(accessed(space, address)).toBe(true);
    using _held = await space.acquire(address, PAGE, 'read');
    await space.reclaim(PAGE);
    expect(space.pageFlags(address, PAGE)[0]).toBe(FLAG_PRESENT | FLAG_HELD);
  });

  test('aging looks at what is on its device', async () => {
    await using rig = await createRig({ frames: 4, attach: { eviction: 'lru', aging: 0.25 } });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 8 * PAGE });
    for (let page = 0; page < 3; page++) await mirror.read(address + page * PAGE, 4);
    mirror.markAccessed(address, 2 * PAGE);
    await mirror.harvest(address, 3 * PAGE);
    await space.advise(address, 2 * PAGE, { pin: mirror });
    expect([accessed(space, address), accessed(space, address + PAGE)]).toEqual([true, true]);
    // Pinned: both stay, and one of them is used.
    for (let page = 3; page < 8; page++) {
      await mirror.read(address + PAGE, 4);
      await mirror.read(address + page * PAGE, 4);
    }
    await settle();
    expect([accessed(space, address), accessed(space, address + PAGE)]).toEqual([false, true]);
  });
});
