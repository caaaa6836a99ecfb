import { describe, expect, it } from 'vitest';
import { PAGE } from './fake.js';
import { error, immediate, spaces, turnsOf, world } from './rig.js';

describe('what the CPU holds and what a device that follows the process accesses', () => {
  it('waits for what the CPU holds', async () => {
    const t = await world();
    const held = await t.space.acquire(t.at(0), PAGE, 'write');
    const reading = t.mirror.read(t.at(0), 1);
    let done = false;
    void reading.then(() => (done = true));
    await immediate();
    expect(done).toBe(false);
    held.bytes[0] = 9;
    held.release();
    expect([...(await reading)]).toEqual([9]);
  });

  it('waits for what the CPU holds since it began to bring pages', async () => {
    const t = await world();
    const writing = t.mirror.write(t.at(0), Uint8Array.of(1));
    while (!t.device.ran.includes('snapshot')) await turnsOf(1);
    const held = await t.space.acquire(t.at(0), PAGE, 'write');
    await immediate();
    expect(t.device.ran).not.toContain('write');
    expect(held.bytes[0]).toBe(0);
    held.release();
    await writing;
    expect([...(await t.mirror.read(t.at(0), 1))]).toEqual([1]);
  });

  it('lets the CPU hold nothing that a device is accessing', async () => {
    const t = await world();
    t.device.waits = true;
    const writing = t.mirror.write(t.at(1), new Uint8Array(2 * PAGE).fill(7));
    const order: string[] = [];
    void writing.then(() => order.push('written'));
    await immediate();
    expect(t.device.stalled).toBe(1);
    // Beside it anything goes; of what it writes nothing is to be seen.
    (await t.space.acquire(t.at(0), PAGE, 'write')).release();
    (await t.space.acquire(t.at(3), PAGE, 'read')).release();
    const holding = t.space.acquire(t.at(2), PAGE, 'read');
    const storing = t.space.write(t.at(1), Uint8Array.of(9));
    void holding.then(() => order.push('held'));
    void storing.then(() => order.push('stored'));
    await immediate();
    expect(order).toEqual([]);
    t.device.go();
    using held = await holding;
    expect(held.bytes[0]).toBe(7);
    await Promise.all([writing, storing]);
    expect(order.slice().sort()).toEqual(['held', 'stored', 'written']);
    expect([...(await t.mirror.read(t.at(1), 2))]).toEqual([9, 7]);
  });

  it.each([
    ['unmapped', 'ADDRESS_NOT_MAPPED'],
    ['mapped anew', 'ADDRESS_NOT_MAPPED'],
    ['for reading only', 'ACCESS_DENIED'],
  ])('writes to no second region that is %s while the device writes to the first', async (what, code) => {
    const t = await world();
    const second = t.space.map({ bytes: PAGE, address: t.at(16), fixed: true });
    t.device.waits = true;
    const writing = t.mirror.write(t.at(15), new Uint8Array(2 * PAGE).fill(7));
    await immediate();
    expect(t.device.stalled).toBe(1);
    const changing =
      what === 'for reading only' ? t.space.protect(second.address, PAGE, 'read') : t.space.unmap(second.address, PAGE);
    if (what === 'mapped anew') t.space.map({ bytes: PAGE, address: t.at(16), fixed: true });
    t.device.go();
    await expect(writing).rejects.toThrow(error(code));
    await changing;
    expect(t.device.ran.filter((kind) => kind === 'write')).toHaveLength(1);
    expect([...(await t.mirror.read(t.at(15), 1))]).toEqual([7]);
  });

  it('lets the CPU read what a device reads', async () => {
    const t = await world();
    t.device.waits = true;
    const reading = t.mirror.read(t.at(0), PAGE);
    await immediate();
    (await t.space.acquire(t.at(0), PAGE, 'read')).release();
    const storing = t.space.write(t.at(0), Uint8Array.of(5));
    await immediate();
    t.device.go();
    expect((await reading)[0]).toBe(0);
    await storing;
  });

  it('lets the CPU hold nothing of an access for which nobody waits any more, until the device is done', async () => {
    const t = await world(8, { prefetch: 'none', timeoutMs: 20 });
    t.device.waits = true;
    await expect(t.mirror.write(t.at(0), Uint8Array.of(3))).rejects.toThrow(error('DEVICE_TIMEOUT'));
    const held = t.space.acquire(t.at(0), PAGE, 'read', { timeoutMs: 20 });
    await expect(held).rejects.toThrow(/a device is accessing it/);
    t.device.go();
    await immediate();
    (await t.space.acquire(t.at(0), PAGE, 'read')).release();
  });

  it('waits for what a fork of the space holds of the same memory', async () => {
    const t = await world();
    const child = await t.space.fork();
    spaces.push(child);
    const held = await child.acquire(t.at(0), PAGE, 'write');
    const reading = t.mirror.read(t.at(0), 1);
    await immediate();
    held.bytes[0] = 4;
    held.release();
    expect([...(await reading)]).toEqual([4]);
    t.device.waits = true;
    const writing = t.mirror.write(t.at(0), Uint8Array.of(6));
    await immediate();
    const holding = child.acquire(t.at(0), PAGE, 'read');
    await immediate();
    t.device.go();
    expect((await holding).bytes[0]).toBe(6);
    await writing;
  });
});
