import {
  type AddressSpace,
  createSpace,
  type HostMemory,
  managedMemory,
  memorySwap,
  MirrorError,
  type SwapStore,
} from '@mirrorspace/core';
import { describe, expect, test } from 'vitest';
import { createRig, expectBytes, expectCode, gate, PAGE, pattern, settle, TestSource } from './helpers.js';

const BASE = 0x4000_0000;

/** A swap store whose writes wait for a gate, if there is one. */
function slowSwap(pages: number): SwapStore & { gate: Promise<void> | undefined } {
  const inner = memorySwap(pages * PAGE);
  const swap = {
    size: inner.size,
    gate: undefined as Promise<void> | undefined,
    read: (offset: number, into: Uint8Array) => inner.read(offset, into),
    write: async (offset: number, from: Uint8Array) => {
      await swap.gate;
      await inner.write(offset, from);
    },
  };
  return swap;
}

describe('while a file is written whose pages leave', () => {
  /** A dirty page of a file and two pages of anonymous memory behind it leave; the file is being written. */
  async function leave(space: AddressSpace): Promise<() => Promise<void>> {
    const source = new TestSource(pattern(PAGE));
    space.map({ bytes: PAGE, source, share: 'shared', address: BASE, fixed: true });
    space.map({ bytes: 2 * PAGE, address: BASE + PAGE, fixed: true });
    await space.write(BASE, pattern(3 * PAGE, 4));
    const way = gate();
    source.writeGate = way.opened;
    const out = space.pageOut(BASE, 3 * PAGE);
    await settle();
    return async () => {
      way.open();
      await out;
      expectBytes(source.bytes, pattern(3 * PAGE, 4).subarray(0, PAGE));
    };
  }

  test('what a device writes to the others is not taken for what it was', async () => {
    await using rig = await createRig({ space: { reclaim: { swap: memorySwap(16 * PAGE) } } });
    const { space, mirror } = rig;
    const finish = await leave(space);
    await mirror.write(BASE + PAGE, pattern(2 * PAGE, 7));
    await finish();
    expectBytes(await space.read(BASE + PAGE, 2 * PAGE), pattern(2 * PAGE, 7));
    expectBytes(await mirror.read(BASE + PAGE, 2 * PAGE), pattern(2 * PAGE, 7));
  });

  test('what is in the frames of the others by then is not touched', async () => {
    await using space = await createSpace({ reclaim: { swap: memorySwap(16 * PAGE) } });
    const finish = await leave(space);
    await space.unmap(BASE + PAGE, 2 * PAGE);
    const again = space.map({ bytes: 4 * PAGE });
    await space.write(again.address, pattern(4 * PAGE, 9));
    const held = await again.acquire('write');
    await finish();
    held.bytes.set(pattern(PAGE, 10));
    held.release();
    expectBytes(await space.read(again.address, PAGE), pattern(PAGE, 10));
    expectBytes(await space.read(again.address + PAGE, 3 * PAGE), pattern(4 * PAGE, 9).subarray(PAGE));
    await space.unmap(BASE, 3 * PAGE);
    await again.unmap();
    expect(space.memory).toMatchObject({ used: 0, swapped: 0, ordinary: 0, inUse: 0 });
  });
});

test('a file that is unmapped while others of the pages that leave are swapped out gets what was written', async () => {
  const source = new TestSource(pattern(PAGE));
  const swap = slowSwap(16);
  await using space = await createSpace({ reclaim: { swap } });
  space.map({ bytes: PAGE, source, share: 'shared', address: BASE, fixed: true });
  space.map({ bytes: PAGE, address: BASE + PAGE, fixed: true });
  await space.write(BASE, pattern(2 * PAGE, 4));
  const way = gate();
  swap.gate = way.opened;
  const out = space.pageOut(BASE, 2 * PAGE);
  await settle();
  await space.unmap(BASE, PAGE);
  expectBytes(source.bytes, pattern(2 * PAGE, 4).subarray(0, PAGE));
  way.open();
  await out;
  expectBytes(await space.read(BASE + PAGE, PAGE), pattern(2 * PAGE, 4).subarray(PAGE));
});

describe('what is unmapped while room is made for it', () => {
  test.each(['read', 'acquire', 'prefetch'] as const)('is not read into a cache that nobody drops: %s', async (how) => {
    const source = new TestSource(pattern(4 * PAGE));
    await using rig = await createRig({ space: { reclaim: { budget: 2 * PAGE, swap: memorySwap(16 * PAGE) } } });
    const { space, mirror } = rig;
    const full = space.map({ bytes: 2 * PAGE });
    await space.write(full.address, pattern(2 * PAGE));
    const { address } = space.map({ bytes: 4 * PAGE, source });
    const work = {
      read: () => mirror.read(address, 4 * PAGE),
      acquire: () => space.acquire(address, 4 * PAGE, 'read'),
      prefetch: () => mirror.prefetch(address, 4 * PAGE),
    }[how]();
    const done = work.then(
      () => undefined,
      () => undefined,
    );
    for (let i = 0; i < 2; i++) await Promise.resolve();
    await space.unmap(address, 4 * PAGE);
    await done;
    await settle();
    await space.unmap(full.address, 2 * PAGE);
    expect(space.memory.used).toBe(0);
    if (how === 'acquire') await expectCode(work, 'ADDRESS_NOT_MAPPED');
  });
});

test('what a source is to be read into is given back where it gets no storage', async () => {
  const inner = managedMemory({ pageSize: PAGE });
  let refusals = 1;
  const commit: HostMemory['commit'] = (first, count) => {
    if (refusals-- > 0) throw new MirrorError('OUT_OF_HOST_MEMORY', 'no storage');
    inner.commit(first, count);
  };
  const host = new Proxy(inner, {
    get(target, name) {
      const value: unknown = name === 'commit' ? commit : Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  await using space = await createSpace({ host });
  const { address } = space.map({ bytes: 4 * PAGE, source: new TestSource(pattern(4 * PAGE)) });
  await expectCode(space.read(address, 4 * PAGE), 'OUT_OF_HOST_MEMORY');
  expect(host.used).toBe(0);
  expectBytes(await space.read(address, 4 * PAGE), pattern(4 * PAGE));
});
