import { createSpace, managedMemory } from '@mirrorspace/core';
import { TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { expectCode, gate, openDevice, PAGE, pattern, settle, TestSource } from '../space/helpers.js';
import { copyWord, countUp, touchPages } from './helpers.js';

async function setUp(latency: 'zero' | typeof TYPICAL_LATENCY = 'zero', frames = 16) {
  const host = managedMemory();
  const device = await openDevice(frames, { latency });
  const space = await createSpace({ host });
  const mirror = await space.attach(device, { prefetch: 'none' });
  const end = async () => {
    await space.close();
    await device.close();
    expect(device.violations).toEqual([]);
    expect(host.used).toBe(0);
  };
  return { host, device, space, mirror, end };
}

describe('detach', () => {
  it('brings home what the device owns; the device stays open and may be attached again', async () => {
    const { device, space, mirror, end } = await setUp();
    const { address } = space.map({ bytes: 8 * PAGE });
    await mirror.write(address, pattern(8 * PAGE));
    await mirror.detach();
    expect(await space.read(address, 8 * PAGE)).toEqual(pattern(8 * PAGE));
    const again = await space.attach(device);
    expect(await again.read(address, 8 * PAGE)).toEqual(pattern(8 * PAGE));
    await end();
  });

  it('costs what is there, not what is mapped', async () => {
    const { space, mirror, end } = await setUp();
    const { address } = space.map({ bytes: 2 ** 44 });
    await mirror.write(address + 2 ** 43, pattern(8));
    await mirror.detach();
    expect(await space.read(address + 2 ** 43, 8)).toEqual(pattern(8));
    await end();
  });

  it.each(['zero', TYPICAL_LATENCY] as const)(
    'with a launch in flight fails it with CLOSED, keeps what was done: %j',
    async (latency) => {
      const { space, mirror, end } = await setUp(latency, 4);
      const region = space.map({ bytes: 32 * PAGE });
      const blocked = await region.acquire('write', { offset: 31 * PAGE, bytes: PAGE });
      const fence = mirror.launch(touchPages, { args: [region.address, 1, PAGE], grid: [32] });
      const failure = expectCode(fence.wait(), 'CLOSED');
      await settle();
      await mirror.detach();
      await failure;
      blocked.release();
      const words = new Uint32Array((await space.read(region.address, 31 * PAGE)).buffer);
      for (let page = 0; page < 31; page++) expect([0, page + 1]).toContain(words[page * 1024]);
      await end();
    },
  );

  it('of a space that is being closed fails what is in flight with CLOSED, not as if its addresses were wrong', async () => {
    const { space, mirror, end } = await setUp();
    const source = new TestSource(pattern(PAGE));
    const opened = gate();
    source.writeGate = opened.opened;
    await space.write(space.map({ bytes: PAGE, source }).address, pattern(PAGE, 1));
    const region = space.map({ bytes: 4 * PAGE });
    const blocked = await region.acquire('write', { offset: 3 * PAGE, bytes: PAGE });
    const failure = expectCode(
      mirror.launch(touchPages, { args: [region.address, 1, PAGE], grid: [4] }).wait(),
      'CLOSED',
    );
    await settle();
    const closing = space.close();
    blocked.release();
    await failure;
    opened.open();
    await closing;
    expect(source.bytes).toEqual(pattern(PAGE, 1));
    await end();
  });

  it('with a fault that waits for a file fails the access', async () => {
    const { space, mirror, end } = await setUp();
    const source = new TestSource(pattern(PAGE));
    const opened = gate();
    source.gate = opened.opened;
    const { address } = space.map({ bytes: PAGE, source });
    const failure = expectCode(mirror.read(address, 4), 'CLOSED');
    await settle();
    const detaching = mirror.detach();
    await failure;
    opened.open();
    await detaching;
    expect(await space.read(address, PAGE)).toEqual(pattern(PAGE));
    await end();
  });

  it('while the CPU holds pages waits for nobody', async () => {
    const { space, mirror, end } = await setUp();
    const region = space.map({ bytes: PAGE });
    await mirror.write(region.address, pattern(PAGE));
    const held = await region.acquire('read');
    await mirror.detach();
    expect(held.bytes).toEqual(pattern(PAGE));
    held.release();
    await end();
  });

  it('called twice, or during close, is one detaching; later uses fail with CLOSED', async () => {
    const { space, mirror, end } = await setUp(TYPICAL_LATENCY);
    const { address } = space.map({ bytes: 4 * PAGE });
    await mirror.write(address, pattern(4 * PAGE));
    const [first, second] = [mirror.detach(), mirror.detach()];
    expect(first).toBe(second);
    await expectCode(mirror.read(address, 4), 'CLOSED');
    await Promise.all([first, space.close(), space.close()]);
    await expectCode(() => mirror.launch(copyWord), 'CLOSED');
    await expectCode(mirror.prefetch(address, PAGE), 'CLOSED');
    await end();
  });

  it('leaves the other mirrors of the space at work', async () => {
    const { space, mirror, end } = await setUp();
    const other = await openDevice(8);
    const second = await space.attach(other);
    const { address } = space.map({ bytes: PAGE });
    await mirror.write(address, pattern(PAGE));
    await second.read(address, 4);
    await mirror.detach();
    await second.write(address + 8, pattern(8, 2));
    expect(await space.read(address, 16)).toEqual(Uint8Array.of(...pattern(8), ...pattern(8, 2)));
    await end();
    await other.close();
    expect(other.violations).toEqual([]);
  });
});

describe('close', () => {
  it.each(['zero', TYPICAL_LATENCY] as const)('with work in flight frees everything: %j', async (latency) => {
    const { space, mirror, end } = await setUp(latency, 4);
    const { address } = space.map({ bytes: 16 * PAGE });
    const fence = mirror.launch(countUp, { args: [address, PAGE, 16], grid: [64] });
    const outcome = fence.wait().catch((error: unknown) => error);
    await end();
    const error = await outcome;
    if (error !== undefined) expect(['CLOSED', 'ADDRESS_NOT_MAPPED']).toContain((error as { code: string }).code);
    await expectCode(() => space.map({ bytes: 1 }), 'CLOSED');
    await expectCode(space.read(address, 1), 'CLOSED');
    await expectCode(space.fork(), 'CLOSED');
    expect(space.closed).toBe(true);
  });

  it('of the device before the space', async () => {
    const { device, space, mirror, end } = await setUp();
    const { address } = space.map({ bytes: PAGE });
    const fence = mirror.launch(copyWord, { args: [address, address + 8] });
    await Promise.all([fence.wait().catch(() => undefined), device.close()]);
    await mirror.detach();
    await end();
  });

  it('of several spaces on a device at once', async () => {
    const device = await openDevice(8, { latency: TYPICAL_LATENCY });
    const spaces = await Promise.all(Array.from({ length: 4 }, () => createSpace()));
    for (const space of spaces) {
      const mirror = await space.attach(device);
      const { address } = space.map({ bytes: 8 * PAGE });
      mirror
        .launch(countUp, { args: [address, PAGE, 8], grid: [64] })
        .wait()
        .catch(() => undefined);
    }
    await Promise.all(spaces.map((space) => space.close()));
    await device.close();
    expect(device.violations).toEqual([]);
  });

  it('disposes a space and a mirror by `await using`', async () => {
    const device = await openDevice(8);
    let address: number;
    {
      await using space = await createSpace();
      await using mirror = await space.attach(device);
      ({ address } = space.map({ bytes: PAGE }));
      await mirror.write(address, pattern(8));
    }
    await device.close();
    expect(device.violations).toEqual([]);
  });
});
