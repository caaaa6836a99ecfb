import {
  BIT_ACCESSED,
  BIT_DIRTY,
  CANCEL_DENIED,
  FAULT_ATOMIC,
  FAULT_READ,
  FAULT_WRITE,
  ZERO_FRAME,
} from '@mirrorspace/core/driver';
import { describe, expect, it } from 'vitest';
import { copyIn, copyOut, hostFrames, PAGE, Rig, RO } from './helpers.js';

describe('accesses', () => {
  it('happen at once in zero-latency mode', async () => {
    const rig = await Rig.open();
    expect(rig.paging.submit([rig.map([5], [0])]).signaled).toBe(true);
    expect(rig.user.submit([rig.write(5 * PAGE + 10, Uint8Array.of(1, 2, 3))]).signaled).toBe(true);
    const read = rig.read(5 * PAGE + 9, 5);
    expect(rig.user.submit([read]).signaled).toBe(true);
    expect([...read.into]).toEqual([0, 1, 2, 3, 0]);
  });

  it('stall on an absent page, report it once, and go on where they stopped after the replay', async () => {
    const rig = await Rig.open();
    rig.paging.submit([rig.map([1], [1])]);
    const write = rig.write(2 * PAGE - 4, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const fence = rig.user.submit([write]);
    expect(fence.signaled).toBe(false);
    expect(rig.device.faults.stalled).toBe(1);
    expect(rig.faults()).toEqual([[2, FAULT_WRITE]]);
    rig.paging.submit([rig.map([2], [2])]);
    expect(fence.signaled).toBe(false);
    // The first page went away meanwhile: its part was done and is not done again.
    rig.paging.submit([rig.unmap([1]), rig.flush(), rig.replay()]);
    expect(fence.signaled).toBe(true);
    expect(rig.device.faults.stalled).toBe(0);
    expect(rig.device.faults.retired).toBe(1);
    const host = hostFrames(2);
    rig.paging.submit([copyOut(host, [0, 1], [1, 2])]);
    expect([...host.bytes.subarray(PAGE - 4, PAGE + 4)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('leave `into` alone until the whole read succeeds', async () => {
    const rig = await Rig.open();
    const host = hostFrames(2);
    host.bytes.fill(7);
    rig.paging.submit([copyIn(host, [0, 1], [0, 1]), rig.map([0], [0])]);
    const read = rig.read(0, 2 * PAGE);
    const fence = rig.user.submit([read]);
    expect(rig.faults()).toEqual([[1, FAULT_READ]]);
    expect(read.into.every((byte) => byte === 0)).toBe(true);
    rig.paging.submit([rig.cancel([1], CANCEL_DENIED)]);
    expect(fence.error).toMatchObject({ code: 'ACCESS_DENIED', address: PAGE });
    expect(read.into.every((byte) => byte === 0)).toBe(true);
  });

  it('add atomically once, and report atomics as such', async () => {
    const rig = await Rig.open();
    const add = rig.add(8, -3);
    const fence = rig.user.submit([add]);
    expect(rig.faults()).toEqual([[0, FAULT_ATOMIC]]);
    rig.paging.submit([rig.map([0], [3]), rig.replay()]);
    expect(fence.signaled).toBe(true);
    expect(add.previous[0]).toBe(0);
    const again = rig.add(8, 1);
    rig.user.submit([again]);
    expect(again.previous[0]).toBe(2 ** 32 - 3);
  });

  it('fault on a store to a read-only page', async () => {
    const rig = await Rig.open();
    rig.paging.submit([rig.map([0], [0], RO)]);
    expect(rig.user.submit([rig.read(0, 4)]).signaled).toBe(true);
    const fence = rig.user.submit([rig.fill(0, 4, 1)]);
    expect(rig.faults()).toEqual([[0, FAULT_WRITE]]);
    rig.paging.submit([rig.protect([0], 3), rig.replay()]);
    expect(fence.signaled).toBe(true);
  });

  it('use a stale translation until it is flushed', async () => {
    const rig = await Rig.open();
    rig.paging.submit([rig.map([9], [0])]);
    rig.user.submit([rig.fill(9 * PAGE, 8, 0xaa)]);
    const unmap = rig.unmap([9]);
    rig.paging.submit([unmap]);
    expect(unmap.bits[0]).toBe(BIT_ACCESSED | BIT_DIRTY);
    const stale = rig.read(9 * PAGE, 1);
    expect(rig.user.submit([stale]).signaled).toBe(true);
    expect(stale.into[0]).toBe(0xaa);
    rig.paging.submit([rig.flush([9])]);
    expect(rig.user.submit([rig.read(9 * PAGE, 1)]).signaled).toBe(false);
  });

  it('never lose a dirty bit through a cached translation', async () => {
    const rig = await Rig.open();
    rig.paging.submit([rig.map([9], [0])]);
    rig.user.submit([rig.fill(9 * PAGE, 8, 1)]);
    const first = rig.harvest([9, 10]);
    rig.paging.submit([first]);
    expect([...first.bits]).toEqual([BIT_ACCESSED | BIT_DIRTY, 0]);
    rig.user.submit([rig.read(9 * PAGE, 8)]);
    const second = rig.harvest([9]);
    rig.paging.submit([second]);
    expect([...second.bits]).toEqual([BIT_ACCESSED]);
    rig.user.submit([rig.fill(9 * PAGE, 8, 2)]);
    const third = rig.harvest([9]);
    rig.paging.submit([third]);
    expect([...third.bits]).toEqual([BIT_ACCESSED | BIT_DIRTY]);
    // Clean and cached as writable, then unmapped: a store now could not be recorded, so it faults.
    rig.paging.submit([rig.unmap([9])]);
    expect(rig.user.submit([rig.fill(9 * PAGE, 8, 3)]).signaled).toBe(false);
  });

  it('copy out only what is dirty, in the submission that finds out', async () => {
    const rig = await Rig.open();
    const host = hostFrames(4);
    host.bytes.fill(1, 0, 2 * PAGE);
    rig.paging.submit([copyIn(host, [0, ZERO_FRAME], [0, 1]), rig.map([0, 1], [0, 1])]);
    rig.user.submit([rig.fill(PAGE, PAGE, 9), rig.read(0, 1)]);
    const unmap = rig.unmap([0, 1]);
    rig.paging.submit([unmap, rig.flush([0, 1]), copyOut(host, [2, 3], [0, 1], unmap.bits)]);
    expect(host.bytes[2 * PAGE]).toBe(0);
    expect(host.bytes[3 * PAGE]).toBe(9);
  });
});
