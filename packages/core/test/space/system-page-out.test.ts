import { createSpace, type HostMemory, managedMemory, memorySwap } from '@mirrorspace/core';
import { describe, expect, test } from 'vitest';
import { expectBytes, expectCode, openDevice, PAGE, pattern } from './helpers.js';

/** Host memory that a system pages out: bytes taken out of memory are poisoned there, and come back when they are looked at. */
function pagedMemory() {
  const inner = managedMemory();
  const out = new Map<number, Uint8Array>();
  const bytesOf = (frame: number) =>
    inner.bufferOf(frame).subarray(inner.offsetOf(frame), inner.offsetOf(frame) + PAGE);
  const bringBack = (frame: number) => {
    const bytes = out.get(frame);
    if (bytes === undefined) return;
    out.delete(frame);
    bytesOf(frame).set(bytes);
  };
  const calls: number[] = [];
  const state = { calls, out, answer: (count: number): Promise<number> => Promise.resolve(count) };
  const host: HostMemory = {
    kind: 'native',
    pageSize: PAGE,
    limit: inner.limit,
    tracker: inner.tracker,
    get used() {
      return inner.used;
    },
    get inMemory() {
      return inner.used - out.size;
    },
    get metadataBytes() {
      return inner.metadataBytes;
    },
    bufferOf(frame) {
      bringBack(frame);
      return inner.bufferOf(frame);
    },
    offsetOf: (frame) => inner.offsetOf(frame),
    allocate: (count) => inner.allocate(count),
    free(frame) {
      out.delete(frame);
      inner.free(frame);
    },
    zero(frame) {
      bringBack(frame);
      inner.zero(frame);
    },
    commit: (first, count) => inner.commit(first, count),
    view(first, count) {
      for (let frame = first; frame < first + count; frame++) bringBack(frame);
      return inner.view(first, count);
    },
    async pageOut(frames) {
      calls.push(frames.length);
      const leave = frames.slice(0, await state.answer(frames.length)).filter((frame) => !out.has(frame));
      for (const frame of leave) {
        inner.commit(frame, 1);
        out.set(frame, bytesOf(frame).slice());
        bytesOf(frame).fill(0xde);
      }
      return leave.length;
    },
  };
  return { host, state };
}

describe('host memory that the system pages out', () => {
  test('is kept to its budget by the system, and every byte is there when it is looked at', async () => {
    const { host, state } = pagedMemory();
    const swap = memorySwap(64 * PAGE);
    await using space = await createSpace({ host, reclaim: { budget: 16 * PAGE, swap } });
    const { address } = space.map({ bytes: 64 * PAGE });
    for (let page = 0; page < 64; page++) {
      await space.write(address + page * PAGE, pattern(PAGE, page));
      expect(space.memory.used).toBeLessThanOrEqual(17 * PAGE);
    }
    expect(state.out.size).toBeGreaterThanOrEqual(47);
    expect(space.memory.swapped).toBe(0);
    expect(space.memory.stats.swappedOut).toBeGreaterThanOrEqual(47);
    for (let page = 0; page < 64; page++)
      expectBytes(await space.read(address + page * PAGE, PAGE), pattern(PAGE, page));
  });

  test('pages in use by a device are not handed to the system until the device has given them up', async () => {
    const { host, state } = pagedMemory();
    const device = await openDevice(8);
    await using space = await createSpace({ host, reclaim: {} });
    const mirror = await space.attach(device, { prefetch: 'none' });
    const { address } = space.map({ bytes: 4 * PAGE });
    await space.write(address, pattern(4 * PAGE));
    await mirror.prefetch(address, 2 * PAGE);
    expect(await space.pageOut(address, 4 * PAGE)).toBe(2 * PAGE);
    expect(state.calls).toEqual([2]);
    expect(await space.reclaim(4 * PAGE)).toBe(2 * PAGE);
    expect(space.memory.inUse).toBe(0);
    expectBytes(await space.read(address, 4 * PAGE), pattern(4 * PAGE));
    await device.close();
  });

  test('what the system fails to take stays, and the caller is told', async () => {
    const { host, state } = pagedMemory();
    await using space = await createSpace({ host, reclaim: { timeoutMs: 20 } });
    const { address } = space.map({ bytes: 2 * PAGE });
    await space.write(address, pattern(2 * PAGE));
    state.answer = () => Promise.reject(new Error('no swap space'));
    await expectCode(space.pageOut(address, 2 * PAGE), 'IO');
    state.answer = () => new Promise(() => undefined);
    await expectCode(space.pageOut(address, 2 * PAGE), 'DEVICE_TIMEOUT');
    state.answer = () => Promise.resolve(1);
    expect(await space.pageOut(address, 2 * PAGE)).toBe(PAGE);
    expect(space.memory.stats.stayed).toBe(5);
    expectBytes(await space.read(address, 2 * PAGE), pattern(2 * PAGE));
  });
});
