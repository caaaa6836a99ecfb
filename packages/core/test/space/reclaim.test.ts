import { createSpace, managedMemory, memorySwap } from '@mirrorspace/core';
import { describe, expect, test } from 'vitest';
import { createRig, expectBytes, expectCode, gate, PAGE, pattern, TestSource } from './helpers.js';
import { TestSwap } from './test-swap.js';

describe('reclaim', () => {
  test('keeps a space to its budget, and everything comes back', async () => {
    const swap = new TestSwap(256);
    await using space = await createSpace({ reclaim: { budget: 16 * PAGE, swap } });
    const { address } = space.map({ bytes: 128 * PAGE });
    for (let page = 0; page < 128; page++) {
      await space.write(address + page * PAGE, pattern(PAGE, page));
      expect(space.memory.used).toBeLessThanOrEqual(17 * PAGE);
    }
    expect(space.memory.swapped).toBeGreaterThanOrEqual(111 * PAGE);
    for (let page = 0; page < 128; page++)
      expectBytes(await space.read(address + page * PAGE, PAGE), pattern(PAGE, page));
    expect(space.memory.used).toBeLessThanOrEqual(17 * PAGE);
    expect(space.memory.stats.swappedIn).toBeGreaterThanOrEqual(112);
    await space.unmap(address, 128 * PAGE);
    expect(space.memory).toMatchObject({ used: 0, swapped: 0, ordinary: 0, inUse: 0 });
  });

  test('a range larger than the budget can be held, and is one view if its pages lie side by side', async () => {
    await using space = await createSpace({ reclaim: { budget: 8 * PAGE, swap: memorySwap(64 * PAGE) } });
    const { address } = space.map({ bytes: 32 * PAGE });
    await space.write(address, pattern(32 * PAGE));
    using held = await space.acquire(address, 32 * PAGE, 'read');
    expectBytes(held.bytes, pattern(32 * PAGE));
    expect(await space.reclaim(32 * PAGE)).toBe(0);
    expect(space.memory.used).toBe(32 * PAGE);
  });

  test('the least recently used pages leave first', async () => {
    await using space = await createSpace({ reclaim: { swap: memorySwap(64 * PAGE) } });
    const { address } = space.map({ bytes: 8 * PAGE });
    for (let page = 0; page < 8; page++) await space.write(address + page * PAGE, pattern(PAGE, page));
    for (const page of [0, 1, 5]) await space.read(address + page * PAGE, 1);
    expect(await space.reclaim(5 * PAGE)).toBe(5 * PAGE);
    const swapped = Array.from({ length: 8 }, (_none, page) => page);
    const there = [];
    for (const page of swapped) {
      const before = space.memory.stats.swappedIn;
      await space.read(address + page * PAGE, 1);
      if (space.memory.stats.swappedIn === before) there.push(page);
    }
    expect(there).toEqual([0, 1, 5]);
  });

  test('pages of files are dropped, dirty ones after they were written back', async () => {
    const source = new TestSource(pattern(4 * PAGE));
    await using space = await createSpace({ reclaim: {} });
    const { address } = space.map({ bytes: 4 * PAGE, source, share: 'shared' });
    await space.read(address, 4 * PAGE);
    await space.write(address + PAGE, pattern(PAGE, 9));
    expect(await space.pageOut(address, 4 * PAGE)).toBe(4 * PAGE);
    expect(source.writes).toEqual([[PAGE, PAGE]]);
    expect(space.memory).toMatchObject({ used: 0, swapped: 0 });
    expectBytes(await space.read(address + PAGE, PAGE), pattern(PAGE, 9));
    expectBytes(await space.read(address, PAGE), pattern(4 * PAGE).subarray(0, PAGE));
  });

  test('a dirty page of a file that cannot be written back stays', async () => {
    const source = new TestSource(pattern(PAGE));
    await using space = await createSpace({ reclaim: {} });
    const { address } = space.map({ bytes: PAGE, source, share: 'shared' });
    await space.write(address, pattern(PAGE, 3));
    source.writeError = new Error('disk full');
    await expectCode(space.pageOut(address, PAGE), 'IO');
    expectBytes(await space.read(address, PAGE), pattern(PAGE, 3));
    source.writeError = undefined;
    expect(await space.pageOut(address, PAGE)).toBe(PAGE);
    expectBytes(source.bytes, pattern(PAGE, 3));
  });

  test('shared anonymous memory and copies of forks come back for everybody', async () => {
    await using space = await createSpace({ reclaim: { swap: memorySwap(64 * PAGE) } });
    const own = space.map({ bytes: 2 * PAGE }).address;
    const shared = space.map({ bytes: 2 * PAGE, share: 'shared' }).address;
    await space.write(own, pattern(2 * PAGE, 1));
    await space.write(shared, pattern(2 * PAGE, 2));
    await using early = await space.fork();
    expect(await space.reclaim(1 << 20)).toBe(4 * PAGE);
    expect(space.memory).toMatchObject({ used: 0, swapped: 4 * PAGE });
    await using late = await space.fork();
    await space.write(own, pattern(PAGE, 5));
    await late.write(shared, pattern(PAGE, 6));
    for (const member of [early, late]) expectBytes(await member.read(own, 2 * PAGE), pattern(2 * PAGE, 1));
    expectBytes(await space.read(own, PAGE), pattern(PAGE, 5));
    for (const member of [space, early, late]) expectBytes(await member.read(shared, PAGE), pattern(PAGE, 6));
    await space.read(shared, 2 * PAGE);
    expect(space.memory.swapped).toBe(0);
    expect(space.memory.used).toBe(5 * PAGE);
  });

  test('swapped pages can be moved, unmapped and discarded', async () => {
    await using space = await createSpace({ reclaim: { swap: memorySwap(64 * PAGE) } });
    const { address } = space.map({ bytes: 4 * PAGE });
    await space.write(address, pattern(4 * PAGE));
    await space.pageOut(address, 4 * PAGE);
    const region = await space.remap(address, 4 * PAGE, { address: 0x4000_0000 });
    await space.unmap(region.address, PAGE);
    await space.dontNeed(region.address, PAGE);
    expect(space.memory.swapped).toBe(2 * PAGE);
    const expected = new Uint8Array(3 * PAGE);
    expected.set(pattern(4 * PAGE).subarray(2 * PAGE), PAGE);
    expectBytes(await space.read(region.address, 3 * PAGE), expected);
  });

  test('what the CPU wrote is still known of a page that was away', async () => {
    await using space = await createSpace({ reclaim: { swap: memorySwap(64 * PAGE) } });
    const { address } = space.map({ bytes: 3 * PAGE });
    await space.write(address, pattern(3 * PAGE));
    space.written(address, PAGE);
    await space.pageOut(address, 3 * PAGE);
    await space.read(address + PAGE, 1);
    const range = (page: number, pages: number) => ({
      start: address + page * PAGE,
      end: address + (page + pages) * PAGE,
    });
    expect(space.written(address, 3 * PAGE)).toEqual([range(1, 2)]);
    await space.read(address, 3 * PAGE);
    expect(space.written(address, 3 * PAGE)).toEqual([]);
  });

  test('zeros of anonymous memory need no room in the swap store', async () => {
    await using space = await createSpace({ reclaim: { swap: memorySwap(PAGE) } });
    const { address } = space.map({ bytes: 4 * PAGE });
    (await space.acquire(address, 4 * PAGE, 'read')).release();
    expect(await space.reclaim(4 * PAGE)).toBe(4 * PAGE);
    expect(space.memory).toMatchObject({ used: 0, swapped: 0 });
    expectBytes(await space.read(address, 4 * PAGE), new Uint8Array(4 * PAGE));
  });

  test('a swap store that is full or fails loses nothing', async () => {
    const swap = new TestSwap(3);
    await using space = await createSpace({ reclaim: { swap } });
    const { address } = space.map({ bytes: 4 * PAGE });
    await space.write(address, pattern(4 * PAGE));
    swap.fails = new Error('broken');
    await expectCode(space.reclaim(4 * PAGE), 'IO');
    expect(space.memory).toMatchObject({ used: 4 * PAGE, swapped: 0 });
    swap.fails = undefined;
    expect(await space.reclaim(4 * PAGE)).toBe(3 * PAGE);
    expect(space.memory.stats.noRoom).toBeGreaterThanOrEqual(1);
    swap.fails = new Error('broken');
    await expectCode(space.read(address, 4 * PAGE), 'IO');
    swap.fails = undefined;
    expectBytes(await space.read(address, 4 * PAGE), pattern(4 * PAGE));
  });

  test('a swap store that does not answer is waited for as long as was said', async () => {
    const swap = new TestSwap(8);
    const held = gate();
    await using space = await createSpace({ reclaim: { swap, timeoutMs: 20 }, timeoutMs: 20 });
    const { address } = space.map({ bytes: PAGE });
    await space.write(address, pattern(PAGE));
    swap.gate = held.opened;
    await expectCode(space.pageOut(address, PAGE), 'DEVICE_TIMEOUT');
    expectBytes(await space.read(address, PAGE), pattern(PAGE));
    swap.gate = undefined;
    await space.pageOut(address, PAGE);
    swap.gate = held.opened;
    const error = await expectCode(space.read(address, PAGE), 'DEVICE_TIMEOUT');
    expect(error.message).toContain('swap store');
    held.open();
    swap.gate = undefined;
    expectBytes(await space.read(address, PAGE), pattern(PAGE));
  });

  test('a page that is unmapped while it goes out, or comes back, is gone', async () => {
    const swap = new TestSwap(8);
    await using space = await createSpace({ reclaim: { swap } });
    for (const when of ['out', 'in'] as const) {
      const { address } = space.map({ bytes: 2 * PAGE });
      await space.write(address, pattern(2 * PAGE));
      if (when === 'in') await space.pageOut(address, 2 * PAGE);
      const held = gate();
      swap.gate = held.opened;
      const work = when === 'out' ? space.pageOut(address, 2 * PAGE) : space.read(address, 2 * PAGE).catch(() => 0);
      await new Promise((resolve) => setTimeout(resolve));
      const gone = space.unmap(address, 2 * PAGE);
      held.open();
      await Promise.all([work, gone]);
      swap.gate = undefined;
      expect(space.memory).toMatchObject({ used: 0, swapped: 0 });
    }
  });

  test('a notifier that throws keeps its page, and others leave', async () => {
    await using space = await createSpace({ reclaim: { swap: memorySwap(8 * PAGE) } });
    const { address } = space.map({ bytes: 3 * PAGE });
    await space.write(address, pattern(3 * PAGE));
    const start = address + PAGE;
    const notifier = space.notifiers.insert({
      start,
      end: start + PAGE,
      invalidate() {
        throw new Error('not now');
      },
    });
    await expect(space.pageOut(address, 3 * PAGE)).rejects.toThrow('not now');
    expect(space.memory).toMatchObject({ used: PAGE, swapped: 2 * PAGE });
    notifier.remove();
    expect(await space.pageOut(address, 3 * PAGE)).toBe(PAGE);
    expectBytes(await space.read(address, 3 * PAGE), pattern(3 * PAGE));
    expect(space.memory.swapped).toBe(0);
  });

  test('a hold of more than the budget ends, whatever its pages have to come from', async () => {
    for (const order of ['file first', 'file last', 'files'] as const) {
      await using space = await createSpace({
        reclaim: { budget: PAGE, ...(order !== 'files' && { swap: memorySwap(8 * PAGE) }) },
      });
      const at = 0x4000_0000;
      const fixed = { bytes: PAGE, fixed: true };
      const file = (page: number) =>
        space.map({ ...fixed, address: at + page * PAGE, source: new TestSource(pattern(PAGE, page)) });
      const own = async (page: number) => {
        space.map({ ...fixed, address: at + page * PAGE });
        await space.write(at + page * PAGE, pattern(PAGE, page));
      };
      for (const page of [0, 1]) {
        if (order === 'files' || (order === 'file first') === (page === 0)) file(page);
        else await own(page);
      }
      await space.reclaim(4 * PAGE);
      using held = await space.acquire(at, 2 * PAGE, 'read');
      expectBytes(held.bytes.subarray(0, PAGE), pattern(PAGE, 0));
      expectBytes(held.bytes.subarray(PAGE), pattern(PAGE, 1));
    }
  });

  test('two holds of more than the budget together end both', async () => {
    await using space = await createSpace({ reclaim: { budget: 8 * PAGE, swap: new TestSwap(64) } });
    const areas = [1, 2].map((seed) => ({ seed, address: space.map({ bytes: 12 * PAGE }).address }));
    for (const { seed, address } of areas) await space.write(address, pattern(12 * PAGE, seed));
    await Promise.all(
      areas.map(async ({ seed, address }) => {
        using held = await space.acquire(address, 12 * PAGE, 'read');
        expectBytes(held.bytes, pattern(12 * PAGE, seed));
      }),
    );
  });

  test('what runs into the limit of host memory reclaims, and fails only where nothing can leave', async () => {
    const host = managedMemory({ limit: 8 * PAGE });
    await using rig = await createRig({ frames: 4, space: { host, reclaim: { swap: memorySwap(32 * PAGE) } } });
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 32 * PAGE });
    for (let page = 0; page < 32; page += 2) await space.write(address + page * PAGE, pattern(PAGE, page));
    for (let page = 1; page < 32; page += 2) await mirror.write(address + page * PAGE, pattern(PAGE, page));
    for (let page = 0; page < 32; page++)
      expectBytes(await space.read(address + page * PAGE, PAGE), pattern(PAGE, page));
    await expectCode(space.acquire(address, 9 * PAGE, 'read'), 'OUT_OF_HOST_MEMORY');
    using held = await space.acquire(address, 8 * PAGE, 'read');
    await expectCode(mirror.read(address + 8 * PAGE, 1), 'OUT_OF_HOST_MEMORY');
    expect(held.bytes.length).toBe(8 * PAGE);
  });

  test('spaces on one host memory agree on how it is reclaimed', async () => {
    const host = managedMemory();
    const swap = memorySwap(64 * PAGE);
    await using space = await createSpace({ host });
    const { address } = space.map({ bytes: 2 * PAGE });
    await space.write(address, pattern(2 * PAGE));
    await expectCode(space.reclaim(PAGE), 'UNSUPPORTED');
    await using other = await createSpace({ host, reclaim: { swap, budget: 1 << 20 } });
    await expectCode(createSpace({ host, reclaim: { swap, budget: 2 << 20 } }), 'INVALID_ARGUMENT');
    await using third = await createSpace({ host, reclaim: { swap } });
    expect(await third.reclaim(8 * PAGE)).toBe(2 * PAGE);
    expectBytes(await space.read(address, 2 * PAGE), pattern(2 * PAGE));
    expect(other.closed).toBe(false);
  });
});
