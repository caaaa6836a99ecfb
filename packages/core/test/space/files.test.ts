import { bytesSource, createSpace, managedMemory } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { createRig, expectCode, gate, PAGE, pattern, settle, TestSource } from './helpers.js';

describe('reading a file region', () => {
  it('asks for what is touched only, in one read for neighbours', async () => {
    await using space = await createSpace();
    const source = new TestSource(pattern(64 * PAGE));
    const { address } = space.map({ bytes: 64 * PAGE, source });
    expect(source.reads).toEqual([]);
    await space.read(address + 8 * PAGE, 4 * PAGE);
    expect(source.reads).toEqual([[8 * PAGE, 4 * PAGE]]);
    await space.read(address + 6 * PAGE, 8 * PAGE);
    expect(source.reads.slice(1)).toEqual([
      [6 * PAGE, 2 * PAGE],
      [12 * PAGE, 2 * PAGE],
    ]);
  });

  it('reads ahead for a device fault', async () => {
    await using rig = await createRig();
    const source = new TestSource(pattern(64 * PAGE));
    const { address } = rig.space.map({ bytes: 64 * PAGE, source });
    expect(await rig.mirror.read(address + 3, 5)).toEqual(pattern(64 * PAGE).subarray(3, 8));
    expect(source.reads).toHaveLength(1);
    expect(source.reads[0]![1]).toBeGreaterThan(PAGE);
    await rig.mirror.read(address + PAGE, 5);
    expect(source.reads).toHaveLength(1);
  });

  it('gives zeros behind the end of a source, and never asks beyond it', async () => {
    await using space = await createSpace();
    const source = new TestSource(pattern(PAGE + 100));
    const { address } = space.map({ bytes: 2 * PAGE, source, share: 'shared' });
    expect(await space.read(address + PAGE, PAGE)).toEqual(
      Uint8Array.of(...pattern(PAGE + 100).subarray(PAGE), ...new Uint8Array(PAGE - 100)),
    );
    await space.write(address + PAGE, new Uint8Array(PAGE).fill(9));
    await space.sync(address, 2 * PAGE);
    expect(source.writes).toEqual([[PAGE, 100]]);
    expect(() => space.map({ bytes: 2 * PAGE + 1, source })).toThrow(RangeError);
  });

  it('fails with IO and its cause, and can be tried again', async () => {
    await using space = await createSpace();
    const source = new TestSource(pattern(2 * PAGE));
    source.readError = new Error('no disk');
    const region = space.map({ bytes: 2 * PAGE, source });
    const error = await expectCode(region.acquire('read'), 'IO');
    expect(error.cause).toBe(source.readError);
    source.readError = undefined;
    expect(await space.read(region.address, 2 * PAGE)).toEqual(pattern(2 * PAGE));
  });

  it('fails a device access with IO, and the next one may succeed', async () => {
    await using rig = await createRig();
    const source = new TestSource(pattern(PAGE));
    source.readError = new Error('no disk');
    const { address } = rig.space.map({ bytes: PAGE, source });
    await expectCode(rig.mirror.read(address, 4), 'IO');
    source.readError = undefined;
    expect(await rig.mirror.read(address, 4)).toEqual(pattern(4));
  });

  it('gives those who waited for a read that failed no stale bytes', async () => {
    const host = managedMemory();
    await using space = await createSpace({ host });
    // Pages that are used again hold old bytes.
    const old = space.map({ bytes: 2 * PAGE });
    await space.write(old.address, pattern(2 * PAGE, 66));
    await space.unmap(old.address, PAGE);
    const source = new TestSource(pattern(PAGE));
    const opened = gate();
    source.gate = opened.opened;
    source.readError = new Error('no disk');
    const region = space.map({ bytes: PAGE, source });
    const other = space.map({ bytes: PAGE, source });
    const results = [region, region, other].map((one) => expectCode(one.acquire('read'), 'IO'));
    await settle();
    opened.open();
    await Promise.all(results);
    source.readError = undefined;
    for (const one of [region, other]) expect(await space.read(one.address, PAGE)).toEqual(pattern(PAGE));
    expect(host.used).toBe(2);
  });

  it('can be aborted while the source is slow; the next reader reads again', async () => {
    await using space = await createSpace();
    const opened = gate();
    const source = {
      size: PAGE,
      async read(_offset: number, into: Uint8Array, signal?: AbortSignal) {
        if (signal !== undefined) {
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
        }
        into.set(pattern(PAGE));
      },
    };
    const region = space.map({ bytes: PAGE, source });
    const controller = new AbortController();
    const waiting = expectCode(region.acquire('read', { signal: controller.signal }), 'ABORTED');
    await settle();
    controller.abort();
    await waiting;
    opened.open();
    expect(await space.read(region.address, PAGE)).toEqual(pattern(PAGE));
  });
});

describe('a source that does not answer', () => {
  it('is waited for no longer than asked, by the first reader and by the others', async () => {
    await using space = await createSpace();
    const source = new TestSource(pattern(PAGE));
    const opened = gate();
    source.gate = opened.opened;
    const region = space.map({ bytes: PAGE, source });
    const first = await expectCode(region.acquire('read', { timeoutMs: 10 }), 'DEVICE_TIMEOUT');
    expect(first.message).toMatch(/waited 10 ms for a source to read 1 pages at byte 0/);
    const second = await expectCode(region.acquire('read', { timeoutMs: 10 }), 'DEVICE_TIMEOUT');
    expect(second.message).toMatch(/its source is being read/);
    opened.open();
    expect(await space.read(region.address, PAGE)).toEqual(pattern(PAGE));
    expect(source.reads).toHaveLength(1);
  });

  it('is left by an abort, though it ignores the signal', async () => {
    await using space = await createSpace();
    const source = new TestSource(pattern(PAGE));
    const opened = gate();
    source.gate = opened.opened;
    const region = space.map({ bytes: PAGE, source });
    const controller = new AbortController();
    const waiting = expectCode(region.acquire('read', { signal: controller.signal }), 'ABORTED');
    await settle();
    controller.abort();
    await waiting;
    opened.open();
    expect(await space.read(region.address, PAGE)).toEqual(pattern(PAGE));
  });

  it('and fails after its cache was dropped takes nothing from the next reader', async () => {
    await using space = await createSpace();
    const source = new TestSource(pattern(PAGE));
    const opened = gate();
    source.gate = opened.opened;
    const region = space.map({ bytes: PAGE, source });
    await expectCode(region.acquire('read', { timeoutMs: 10 }), 'DEVICE_TIMEOUT');
    await region.unmap();
    source.gate = undefined;
    const again = space.map({ bytes: PAGE, source });
    expect(await space.read(again.address, PAGE)).toEqual(pattern(PAGE));
    source.readError = new Error('no disk');
    opened.open();
    await settle();
    using held = await again.acquire('read');
    expect(held.bytes).toEqual(pattern(PAGE));
    expect(source.reads).toHaveLength(2);
  });

  it('fails device accesses when the limit of the device is over', async () => {
    await using rig = await createRig({ attach: { timeoutMs: 20 } });
    const source = new TestSource(pattern(PAGE));
    const opened = gate();
    source.gate = opened.opened;
    const { address } = rig.space.map({ bytes: PAGE, source });
    await expectCode(rig.mirror.read(address, 4), 'DEVICE_TIMEOUT');
    await expectCode(rig.mirror.read(address, 4), 'DEVICE_TIMEOUT');
    opened.open();
    expect(await rig.mirror.read(address, 4)).toEqual(pattern(4));
  });
});

describe('a source that does not end a write', () => {
  async function written(timeoutMs = 20) {
    const space = await createSpace({ timeoutMs });
    const source = new TestSource(pattern(PAGE));
    const region = space.map({ bytes: PAGE, source, share: 'shared' });
    await space.write(region.address, new Uint8Array(PAGE).fill(1));
    const opened = gate();
    source.writeGate = opened.opened;
    return { space, source, region, open: () => opened.open() };
  }

  it.each(['sync', 'unmap', 'close'] as const)('is waited for no longer than the space says, by %s', async (how) => {
    const { space, source, region, open } = await written();
    const work = how === 'sync' ? space.sync(region.address, PAGE) : how === 'unmap' ? region.unmap() : space.close();
    expect((await expectCode(work, 'DEVICE_TIMEOUT')).message).toMatch(/waited 20 ms for a source to write at byte 0/);
    open();
    await settle();
    expect(source.bytes[0]).toBe(1);
    await space.close().catch(() => undefined);
  });

  it('never puts old bytes over newer ones', async () => {
    const { space, source, region, open } = await written();
    await expectCode(space.sync(region.address, PAGE), 'DEVICE_TIMEOUT');
    await space.write(region.address, new Uint8Array(PAGE).fill(2));
    source.writeGate = undefined;
    await expectCode(space.sync(region.address, PAGE), 'DEVICE_TIMEOUT');
    expect(source.writes).toEqual([]);
    open();
    await space.sync(region.address, PAGE);
    expect(source.writes).toHaveLength(2);
    expect(source.bytes[0]).toBe(2);
    await space.close();
  });

  it('is waited for by a second sync, too, and left by an abort', async () => {
    const { space, source, region, open } = await written(30_000);
    const first = space.sync(region.address, PAGE);
    await settle();
    let ended = false;
    const second = space.sync(region.address, PAGE).finally(() => (ended = true));
    const controller = new AbortController();
    const third = expectCode(space.sync(region.address, PAGE, { signal: controller.signal }), 'ABORTED');
    await settle();
    expect(ended).toBe(false);
    controller.abort();
    await third;
    open();
    expect(await first).toBe(1);
    expect(await second).toBe(0);
    expect(source.bytes[0]).toBe(1);
    await space.close();
  });
});

describe('writing a shared file region', () => {
  it('reaches the source by sync, page by page and once', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const source = new TestSource(pattern(4 * PAGE));
    const { address } = space.map({ bytes: 4 * PAGE, source, share: 'shared' });
    await space.write(address, Uint8Array.of(1));
    await mirror.write(address + 2 * PAGE, Uint8Array.of(2));
    expect(source.bytes[0]).toBe(pattern(1)[0]);
    expect(await space.sync(address, 4 * PAGE)).toBe(2);
    expect(source.writes).toEqual([
      [0, PAGE],
      [2 * PAGE, PAGE],
    ]);
    expect([source.bytes[0], source.bytes[2 * PAGE]]).toEqual([1, 2]);
    expect(await space.sync(address, 4 * PAGE)).toBe(0);
    await mirror.write(address + 2 * PAGE, Uint8Array.of(3));
    expect(await space.sync(address + 2 * PAGE, 1)).toBe(1);
    expect(source.bytes[2 * PAGE]).toBe(3);
  });

  it.each(['unmap', 'close', 'map over', 'detach and close'] as const)('reaches the source by %s', async (how) => {
    const rig = await createRig();
    const { space, mirror } = rig;
    const source = new TestSource(pattern(2 * PAGE));
    const region = space.map({ bytes: 2 * PAGE, source, share: 'shared' });
    await mirror.write(region.address, Uint8Array.of(5));
    await space.write(region.address + PAGE, Uint8Array.of(6));
    if (how === 'unmap') await region.unmap();
    if (how === 'map over') space.map({ bytes: 2 * PAGE, address: region.address, fixed: true });
    if (how === 'detach and close') await mirror.detach();
    if (how !== 'unmap') await space.close();
    await settle();
    expect([source.bytes[0], source.bytes[PAGE]]).toEqual([5, 6]);
    await rig[Symbol.asyncDispose]();
  });

  it('waits for the last region over the source', async () => {
    await using space = await createSpace();
    const source = new TestSource(pattern(PAGE));
    const first = space.map({ bytes: PAGE, source, share: 'shared' });
    const second = space.map({ bytes: PAGE, source, share: 'shared' });
    await space.write(first.address, Uint8Array.of(5));
    await first.unmap();
    expect(source.writes).toEqual([]);
    await second.unmap();
    expect(source.bytes[0]).toBe(5);
  });

  it('that fails says IO and keeps the data dirty for the next try', async () => {
    await using space = await createSpace();
    const source = new TestSource(pattern(2 * PAGE));
    const region = space.map({ bytes: 2 * PAGE, source, share: 'shared' });
    await space.write(region.address, new Uint8Array(2 * PAGE).fill(8));
    source.writeError = new Error('disk full');
    expect((await expectCode(space.sync(region.address, 2 * PAGE), 'IO')).cause).toBe(source.writeError);
    await expectCode(region.unmap(), 'IO');
    source.writeError = undefined;
    const again = space.map({ bytes: 2 * PAGE, source, share: 'shared' });
    expect(await space.read(again.address, 2 * PAGE)).toEqual(new Uint8Array(2 * PAGE).fill(8));
    expect(await space.sync(again.address, 2 * PAGE)).toBe(2);
    expect(source.bytes).toEqual(new Uint8Array(2 * PAGE).fill(8));
  });

  it('shows in every space on the same host memory', async () => {
    const host = managedMemory();
    await using a = await createSpace({ host });
    await using b = await createSpace({ host });
    const source = bytesSource(pattern(PAGE));
    const [inA, inB] = [a, b].map((space) => space.map({ bytes: PAGE, source, share: 'shared' }));
    await a.write(inA!.address, Uint8Array.of(1, 2));
    expect(await b.read(inB!.address, 2)).toEqual(Uint8Array.of(1, 2));
  });
});

describe('writing a private file region', () => {
  it('never reaches the source, nor another mapping of it', async () => {
    await using rig = await createRig();
    const { space, mirror } = rig;
    const source = new TestSource(pattern(2 * PAGE));
    const own = space.map({ bytes: 2 * PAGE, source });
    const other = space.map({ bytes: 2 * PAGE, source, share: 'shared', access: 'read' });
    await space.write(own.address, Uint8Array.of(1));
    await mirror.write(own.address + PAGE, Uint8Array.of(2));
    expect(await space.read(other.address, 2 * PAGE)).toEqual(pattern(2 * PAGE));
    expect(await mirror.read(other.address, 2 * PAGE)).toEqual(pattern(2 * PAGE));
    expect((await space.read(own.address + PAGE, 1))[0]).toBe(2);
    await space.dontNeed(own.address, 2 * PAGE);
    expect(await space.read(own.address, 2 * PAGE)).toEqual(pattern(2 * PAGE));
    await own.unmap();
    await space.close();
    expect([source.writes, source.bytes]).toEqual([[], pattern(2 * PAGE)]);
  });
});
