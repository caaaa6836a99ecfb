import { ADDRESS_LIMIT, createSpace, managedMemory } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { expectCode, layout, PAGE, pattern, TestSource } from './helpers.js';

describe('map', () => {
  it('gives zeros at an aligned address above the first 64 KiB, and costs nothing until touched', async () => {
    const host = managedMemory();
    await using space = await createSpace({ host });
    const region = space.map({ bytes: 2 ** 40 });
    expect(region.address % (2 << 20)).toBe(0);
    expect(region.address).toBeGreaterThanOrEqual(0x10000);
    expect(await space.read(region.address + 2 ** 39, 100)).toEqual(new Uint8Array(100));
    expect(host.used).toBe(0);
    await space.write(region.address + 2 ** 39, Uint8Array.of(1));
    expect(host.used).toBe(1);
  });

  it.each([
    [1, PAGE],
    [PAGE, PAGE],
    [PAGE + 1, 2 * PAGE],
    [3 * PAGE - 1, 3 * PAGE],
  ])('rounds %d bytes up to %d', async (bytes, rounded) => {
    await using space = await createSpace();
    const region = space.map({ bytes });
    expect([region.bytes, region.end - region.start, region.pageSize]).toEqual([rounded, rounded, PAGE]);
  });

  it('rounds to the page size of its space', async () => {
    await using space = await createSpace({ pageSize: 65_536 });
    const region = space.map({ bytes: 65_537 });
    expect([region.bytes, region.pageSize, region.address % 65_536]).toEqual([131_072, 65_536, 0]);
    await space.write(region.address + 65_530, pattern(12));
    expect(await space.read(region.address + 65_530, 12)).toEqual(pattern(12));
  });

  it('takes a hint that is free, rounds it down, and passes over one that is not', async () => {
    await using space = await createSpace();
    expect(space.map({ bytes: PAGE, address: 0x700_0123 }).address).toBe(0x700_0000);
    const other = space.map({ bytes: PAGE, address: 0x700_0000 });
    expect(other.address).not.toBe(0x700_0000);
    expect(space.map({ bytes: PAGE, address: 0 }).address).toBeGreaterThanOrEqual(0x10000);
    expect(space.map({ bytes: 2 * PAGE, address: ADDRESS_LIMIT - PAGE }).end).toBeLessThan(ADDRESS_LIMIT);
  });

  it('reaches to the last page of 2^47 bytes and no further', async () => {
    await using space = await createSpace();
    const last = space.map({ bytes: PAGE, address: ADDRESS_LIMIT - PAGE, fixed: true });
    await space.write(ADDRESS_LIMIT - 8, pattern(8));
    expect(await space.read(ADDRESS_LIMIT - 8, 8)).toEqual(pattern(8));
    expect(space.regionAt(ADDRESS_LIMIT - 1)).toBe(last);
    expect(() => space.map({ bytes: 2 * PAGE, address: ADDRESS_LIMIT - PAGE, fixed: true })).toThrow(RangeError);
    await expect(space.read(ADDRESS_LIMIT - 8, 9)).rejects.toThrow(RangeError);
  });

  it('never gives out addresses beyond the bits it was made with', async () => {
    await using space = await createSpace({ addressBits: 32 });
    const half = space.map({ bytes: 2 ** 31 });
    const next = space.map({ bytes: 2 ** 30, address: 2 ** 40 });
    for (const region of [half, next]) expect(region.end).toBeLessThanOrEqual(2 ** 32);
    expect(() => space.map({ bytes: PAGE, address: 2 ** 32, fixed: true })).toThrow(RangeError);
  });

  it('says OUT_OF_ADDRESS_SPACE when no gap is large enough, and goes on with smaller ones', async () => {
    await using space = await createSpace({ addressBits: 32 });
    space.map({ bytes: 2 ** 31, address: 2 ** 30, fixed: true });
    await expectCode(() => space.map({ bytes: 2 ** 30 + 1 }), 'OUT_OF_ADDRESS_SPACE');
    expect(layout(space)).toHaveLength(1);
    expect(space.map({ bytes: 2 ** 29 }).bytes).toBe(2 ** 29);
  });

  it('does not give a freed range out again until it went round (R9)', async () => {
    await using space = await createSpace();
    const first = space.map({ bytes: PAGE });
    const { address } = first;
    await first.unmap();
    expect(space.map({ bytes: PAGE }).address).not.toBe(address);
  });

  it('replaces what is mapped at a fixed address', async () => {
    await using space = await createSpace();
    const old = space.map({ bytes: 2 * PAGE, name: 'old' });
    const { address } = old;
    await space.write(address, pattern(2 * PAGE));
    const region = space.map({ bytes: 2 * PAGE, address, fixed: true, name: 'new' });
    expect([old.closed, old.bytes, region.address]).toEqual([true, 0, address]);
    expect(await space.read(address, 2 * PAGE)).toEqual(new Uint8Array(2 * PAGE));
  });

  it.each(['private', 'shared'] as const)('maps a source from an offset, %s', async (share) => {
    await using space = await createSpace();
    const source = new TestSource(pattern(4 * PAGE));
    const region = space.map({ bytes: 2 * PAGE, source, offset: PAGE, share });
    expect(await space.read(region.address, 2 * PAGE)).toEqual(pattern(4 * PAGE).subarray(PAGE, 3 * PAGE));
    expect(region.name).toBe('file');
  });

  it('denies writing to what is mapped for reading, and any access to what is mapped for none', async () => {
    await using space = await createSpace();
    const ro = space.map({ bytes: PAGE, access: 'read', name: 'constants' });
    const none = space.map({ bytes: PAGE, access: 'none', name: 'guard' });
    expect(await space.read(ro.address, 4)).toEqual(new Uint8Array(4));
    const error = await expectCode(space.write(ro.address + 8, pattern(4)), 'ACCESS_DENIED');
    expect([error.message.includes('constants'), error.address]).toEqual([true, ro.address]);
    await expectCode(ro.acquire('write'), 'ACCESS_DENIED');
    await expectCode(space.read(none.address, 1), 'ACCESS_DENIED');
    await expectCode(none.acquire('read'), 'ACCESS_DENIED');
  });

  it('says which address is not mapped', async () => {
    await using space = await createSpace();
    const region = space.map({ bytes: PAGE, address: 0x50_0000, fixed: true });
    const error = await expectCode(space.read(region.address, 2 * PAGE), 'ADDRESS_NOT_MAPPED');
    expect(error.address).toBe(0x50_1000);
    expect(space.regionAt(0x50_1000)).toBeUndefined();
  });

  it('shares one page cache between two mappings of one source object', async () => {
    await using space = await createSpace();
    const source = new TestSource(pattern(2 * PAGE));
    const a = space.map({ bytes: 2 * PAGE, source, share: 'shared' });
    const b = space.map({ bytes: PAGE, source, offset: PAGE, share: 'shared' });
    await space.write(a.address + PAGE, Uint8Array.of(77));
    expect((await space.read(b.address, 1))[0]).toBe(77);
  });
});
