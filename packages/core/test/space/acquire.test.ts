import { createSpace, managedMemory } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { createRig, expectCode, PAGE, pattern, settle, TestSource } from './helpers.js';

const BASE = 0x4000_0000;

describe('a hold', () => {
  it('is a view where pages lie side by side: what is written shows at once', async () => {
    await using space = await createSpace();
    const region = space.map({ bytes: 64 * PAGE });
    using held = await region.acquire('write');
    held.as(Uint32Array).fill(0x01020304);
    using other = await region.acquire('write', { offset: 0, bytes: 8, timeoutMs: 5 }).catch(() => ({
      bytes: undefined,
      [Symbol.dispose]: () => undefined,
    }));
    expect(other.bytes).toBeUndefined();
    expect([held.mode, held.address, held.bytes.byteLength, held.released]).toEqual([
      'write',
      region.address,
      64 * PAGE,
      false,
    ]);
    held.release();
    expect(await space.read(region.address + 60 * PAGE, 4)).toEqual(Uint8Array.of(4, 3, 2, 1));
  });

  it('is a copy where they do not: release writes it back, and its arrays become empty', async () => {
    await using space = await createSpace();
    const { address } = space.map({ bytes: 3 * PAGE });
    for (const page of [2, 0, 1]) await space.write(address + page * PAGE, pattern(PAGE, page));
    const held = await space.acquire(address + 100, 2 * PAGE, 'write');
    const { bytes } = held;
    expect(bytes.subarray(0, 8)).toEqual(pattern(PAGE, 0).subarray(100, 108));
    bytes.fill(7);
    expect(held.as(Uint32Array)).toHaveLength(PAGE / 2);
    held.release();
    expect(bytes.byteLength).toBe(0);
    const after = await space.read(address, 3 * PAGE);
    expect(after.subarray(100, 100 + 2 * PAGE)).toEqual(new Uint8Array(2 * PAGE).fill(7));
    expect(after.subarray(0, 100)).toEqual(pattern(PAGE, 0).subarray(0, 100));
    expect(after.subarray(100 + 2 * PAGE)).toEqual(pattern(PAGE, 2).subarray(100));
  });

  it('goes across regions', async () => {
    await using space = await createSpace();
    const source = new TestSource(pattern(PAGE, 5));
    space.map({ bytes: PAGE, address: BASE, fixed: true });
    space.map({ bytes: PAGE, address: BASE + PAGE, fixed: true, source });
    {
      using held = await space.acquire(BASE + PAGE - 4, 8, 'write');
      expect(held.bytes).toEqual(Uint8Array.of(0, 0, 0, 0, ...pattern(PAGE, 5).subarray(0, 4)));
      held.bytes.fill(9);
    }
    expect(await space.read(BASE + PAGE - 4, 8)).toEqual(new Uint8Array(8).fill(9));
  });

  it('for reading may be shared; for writing it excludes', async () => {
    await using space = await createSpace();
    const region = space.map({ bytes: PAGE });
    const first = await region.acquire('read');
    const second = await region.acquire('read');
    let wrote = false;
    const writing = region.acquire('write').then((held) => {
      wrote = true;
      return held;
    });
    first.release();
    await settle();
    expect(wrote).toBe(false);
    second.release();
    const held = await writing;
    let read = false;
    const reading = region.acquire('read').then((later) => {
      read = true;
      later.release();
    });
    await settle();
    expect(read).toBe(false);
    held.bytes[0] = 1;
    held.release();
    await reading;
  });

  it('of overlapping ranges never deadlocks: each takes all of its pages or none', async () => {
    await using space = await createSpace();
    const { address } = space.map({ bytes: 4 * PAGE });
    const turns = Array.from({ length: 40 }, async (_, i) => {
      using held = await space.acquire(address + (i % 3) * PAGE, 2 * PAGE, 'write');
      held.bytes[0]!++;
      await settle();
      held.bytes[PAGE]!++;
    });
    await Promise.all(turns);
    const counts = await space.read(address, 4 * PAGE);
    expect([0, 1, 2, 3].map((page) => counts[page * PAGE])).toEqual([14, 27, 26, 13]);
  });

  it('is released once; `using` after that is no error, anything else is', async () => {
    await using space = await createSpace();
    const region = space.map({ bytes: PAGE });
    using held = await region.acquire('write');
    held.release();
    expect(held.released).toBe(true);
    await expectCode(() => held.release(), 'CLOSED');
    await expectCode(() => held.as(Uint8Array), 'CLOSED');
  });

  it('gives typed arrays of whole elements only', async () => {
    await using space = await createSpace();
    const { address } = space.map({ bytes: PAGE });
    using odd = await space.acquire(address + 2, 8, 'read');
    expect(() => odd.as(Float32Array)).toThrow(RangeError);
    expect(odd.as(Uint16Array)).toHaveLength(4);
    using short = await space.acquire(address + 16, 12, 'read');
    expect(() => short.as(Float64Array)).toThrow(RangeError);
    expect(short.as(Int32Array)).toHaveLength(3);
  });

  it('keeps devices waiting while it is for writing, and lets them read while it is for reading', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const region = space.map({ bytes: PAGE });
    const held = await region.acquire('write');
    let done = false;
    const reading = mirror.read(region.address, 4).then((bytes) => {
      done = true;
      return bytes;
    });
    await settle();
    expect(done).toBe(false);
    held.bytes.set([1, 2, 3, 4]);
    held.release();
    expect(await reading).toEqual(Uint8Array.of(1, 2, 3, 4));
    using _reader = await region.acquire('read');
    expect(await mirror.read(region.address, 4)).toEqual(Uint8Array.of(1, 2, 3, 4));
  });

  it('outlives the mapping: its memory stays its own until release', async () => {
    const host = managedMemory();
    await using space = await createSpace({ host });
    const region = space.map({ bytes: PAGE, address: BASE, fixed: true });
    const held = await region.acquire('write');
    held.bytes.set(pattern(PAGE));
    await region.unmap();
    space.map({ bytes: PAGE, address: BASE, fixed: true });
    expect(await space.read(BASE, 8)).toEqual(new Uint8Array(8));
    expect([held.bytes, host.used]).toEqual([pattern(PAGE), 1]);
    held.release();
    expect(host.used).toBe(0);
    expect(await space.read(BASE, 8)).toEqual(new Uint8Array(8));
  });

  it('outlives its space', async () => {
    const host = managedMemory();
    const space = await createSpace({ host });
    const held = await space.map({ bytes: PAGE }).acquire('write');
    await space.close();
    held.bytes.fill(1);
    held.release();
    expect(host.used).toBe(0);
  });
});

describe('waiting for a hold', () => {
  it('ends with a timeout that says what was waited for, and where', async () => {
    await using space = await createSpace();
    const region = space.map({ bytes: 2 * PAGE });
    using _held = await region.acquire('write', { offset: PAGE, bytes: 4 });
    const error = await expectCode(region.acquire('read', { timeoutMs: 10 }), 'DEVICE_TIMEOUT');
    expect(error.address).toBe(region.address + PAGE);
    expect(error.message).toMatch(/10 ms.*CPU holds it/);
  });

  it('ends with ABORTED and nothing changed', async () => {
    const host = managedMemory();
    await using space = await createSpace({ host });
    const region = space.map({ bytes: PAGE });
    await space.write(region.address, pattern(PAGE));
    const held = await region.acquire('write');
    const controller = new AbortController();
    const waiting = region.acquire('write', { signal: controller.signal });
    const writing = space.write(region.address, pattern(PAGE, 2), { signal: controller.signal });
    await settle();
    controller.abort(new Error('enough'));
    const error = await expectCode(waiting, 'ABORTED');
    expect(error.cause).toEqual(new Error('enough'));
    await expectCode(writing, 'ABORTED');
    await expectCode(region.acquire('read', { signal: controller.signal }), 'ABORTED');
    held.release();
    expect(await space.read(region.address, PAGE)).toEqual(pattern(PAGE));
    (await region.acquire('write', { timeoutMs: 100 })).release();
    expect(host.used).toBe(1);
  });

  it('fails with CLOSED when the space closes meanwhile', async () => {
    const space = await createSpace();
    const region = space.map({ bytes: PAGE });
    const held = await region.acquire('write');
    const waiting = expectCode(space.acquire(region.address, 4, 'read'), 'CLOSED');
    await space.close();
    await waiting;
    held.release();
  });

  it('fails with ADDRESS_NOT_MAPPED when the range is unmapped meanwhile', async () => {
    await using space = await createSpace();
    const region = space.map({ bytes: PAGE });
    using _held = await region.acquire('write');
    const waiting = expectCode(space.acquire(region.address, 4, 'write'), 'ADDRESS_NOT_MAPPED');
    await region.unmap();
    await waiting;
  });
});
