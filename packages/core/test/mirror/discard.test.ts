import { createSpace, type Mirror } from '@mirrorspace/core';
import { describe, expect, it } from 'vitest';
import { createRig, expectCode, openDevice, PAGE, pattern, settle, TestSource } from '../space/helpers.js';

const SLOW = { device: { latency: { command: 10 } } };

/** Pages whose host bytes are older than what a device wrote: pattern 1 on the host, pattern 2 on the device. */
async function outdate(space: { write(at: number, bytes: Uint8Array): Promise<void> }, mirror: Mirror, at: number) {
  await space.write(at, pattern(2 * PAGE, 1));
  await mirror.write(at, pattern(2 * PAGE, 2));
}

/** Lets things go on until a recall has been sent; that is long before it is done. */
async function recallSent(mirror: Mirror, before: number): Promise<void> {
  while (mirror.stats.recalls === before) await Promise.resolve();
}

describe('an acquisition that discards and fails', () => {
  it('because a part is unmapped leaves zeros, never older bytes', async () => {
    await using rig = await createRig(SLOW);
    const { space, mirror } = rig;
    const { address } = space.map({ bytes: 2 * PAGE });
    await outdate(space, mirror, address);
    const { recalls } = mirror.stats;
    const failing = expectCode(space.acquire(address, 2 * PAGE, 'write', { discard: true }), 'ADDRESS_NOT_MAPPED');
    await recallSent(mirror, recalls);
    await space.unmap(address + PAGE, PAGE);
    await failing;
    expect(await space.read(address, PAGE)).toEqual(new Uint8Array(PAGE));
    expect(await mirror.read(address, PAGE)).toEqual(new Uint8Array(PAGE));
  });

  it('because the space closes leaves the other space zeros', async () => {
    await using rig = await createRig(SLOW);
    const { mirror } = rig;
    const source = new TestSource(pattern(2 * PAGE, 3));
    const here = rig.space.map({ bytes: 2 * PAGE, source, share: 'shared' });
    await outdate(rig.space, mirror, here.address);
    const child = await rig.space.fork();
    const { recalls } = mirror.stats;
    const writing = expectCode(child.write(here.address, pattern(2 * PAGE, 4)), 'CLOSED');
    await recallSent(mirror, recalls);
    await child.close();
    await writing;
    expect(await rig.space.read(here.address, 2 * PAGE)).toEqual(new Uint8Array(2 * PAGE));
    await rig.space.sync(here.address, 2 * PAGE);
    expect(source.bytes).toEqual(new Uint8Array(2 * PAGE));
  });

  it('while the rest of the range comes home has dropped nothing', async () => {
    await using space = await createSpace();
    const devices = [await openDevice(8, { latency: { command: 10 } }), await openDevice(8)];
    const [slow, fast] = [await space.attach(devices[0]!), await space.attach(devices[1]!)];
    const { address } = space.map({ bytes: 3 * PAGE });
    await outdate(space, fast, address + PAGE);
    await slow.write(address, pattern(PAGE, 5));
    const controller = new AbortController();
    const { signal } = controller;
    const writing = expectCode(space.write(address + 8, pattern(3 * PAGE - 8, 6), { signal }), 'ABORTED');
    controller.abort();
    await writing;
    await settle();
    expect(await space.read(address, PAGE)).toEqual(pattern(PAGE, 5));
    expect(await space.read(address + PAGE, 2 * PAGE)).toEqual(pattern(2 * PAGE, 2));
    await space.close();
    for (const device of devices) await device.close();
    expect(devices.map((device) => device.violations)).toEqual([[], []]);
  });
});
