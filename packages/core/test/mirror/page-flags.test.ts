import {
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
import { expect, test } from 'vitest';
import { createRig, openDevice, PAGE, pattern, TestSource } from '../space/helpers.js';

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
