import {
  createSpace,
  type Mirror,
  RESIDENT_DEVICE,
  RESIDENT_HOST,
  RESIDENT_WRITABLE,
  type ValidatedDevice,
} from '@mirrorspace/core';
import { TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { expectCode, gate, openDevice, PAGE, pattern, settle, TestSource } from '../space/helpers.js';
import { countUp } from './helpers.js';

async function several(count: number, frames = 16, latency: 'zero' | typeof TYPICAL_LATENCY = 'zero') {
  const devices: ValidatedDevice[] = [];
  const mirrors: Mirror[] = [];
  const space = await createSpace();
  for (let i = 0; i < count; i++) {
    devices.push(await openDevice(frames, { latency }));
    mirrors.push(await space.attach(devices[i]!, { prefetch: 'none' }));
  }
  return {
    space,
    mirrors,
    async [Symbol.asyncDispose]() {
      await space.close();
      for (const device of devices) {
        await device.close();
        expect(device.violations).toEqual([]);
      }
    },
  };
}

const BOTH = RESIDENT_HOST | RESIDENT_DEVICE;
const OWNER = RESIDENT_DEVICE | RESIDENT_WRITABLE;

describe('several devices on one space', () => {
  it('read copies of the same page at the same time', async () => {
    await using rig = await several(3);
    const { address } = rig.space.map({ bytes: PAGE });
    await rig.space.write(address, pattern(PAGE));
    for (const mirror of rig.mirrors) expect(await mirror.read(address, PAGE)).toEqual(pattern(PAGE));
    expect(rig.mirrors.map((mirror) => mirror.residency(address, PAGE)[0])).toEqual([BOTH, BOTH, BOTH]);
  });

  it('own a page one after the other: a write takes it from all others', async () => {
    await using rig = await several(3);
    const [a, b, c] = rig.mirrors as [Mirror, Mirror, Mirror];
    const { address } = rig.space.map({ bytes: PAGE });
    await a.write(address, pattern(PAGE, 1));
    expect(await b.read(address, PAGE)).toEqual(pattern(PAGE, 1));
    expect([a, b, c].map((one) => one.residency(address, PAGE)[0])).toEqual([BOTH, BOTH, RESIDENT_HOST]);
    await c.write(address, pattern(PAGE, 2));
    expect([a, b, c].map((one) => one.residency(address, PAGE)[0])).toEqual([0, 0, OWNER]);
    expect(await a.read(address, PAGE)).toEqual(pattern(PAGE, 2));
    expect(await rig.space.read(address, PAGE)).toEqual(pattern(PAGE, 2));
  });

  it.each(['zero', TYPICAL_LATENCY] as const)(
    'that fight for a page make progress, each addition once: %j',
    async (latency) => {
      await using rig = await several(3, 4, latency);
      const { address } = rig.space.map({ bytes: 8 * PAGE });
      const units = latency === 'zero' ? 120 : 40;
      await Promise.all(
        rig.mirrors.map((mirror) => mirror.launch(countUp, { args: [address, PAGE, 8], grid: [units] }).wait()),
      );
      const words = new Uint32Array((await rig.space.read(address, 8 * PAGE)).buffer);
      for (let page = 0; page < 8; page++) expect(words[page * 1024]).toBe((3 * units) / 8);
      expect(rig.mirrors.reduce((sum, mirror) => sum + mirror.stats.recalls, 0)).toBeGreaterThan(0);
    },
    30_000,
  );

  it('and the CPU take turns on one word', async () => {
    await using rig = await several(2, 4, TYPICAL_LATENCY);
    const region = rig.space.map({ bytes: PAGE });
    const cpu = async () => {
      for (let i = 0; i < 20; i++) {
        using held = await region.acquire('write');
        held.as(Uint32Array)[0]!++;
      }
    };
    const onDevice = async (mirror: Mirror) => {
      for (let i = 0; i < 20; i++) await mirror.atomicAdd(region.address, 1);
    };
    await Promise.all([cpu(), ...rig.mirrors.map(onDevice)]);
    expect(new Uint32Array((await rig.space.read(region.address, 4)).buffer)[0]).toBe(60);
  }, 20_000);

  it('may be attached at once, but each once', async () => {
    const device = await openDevice(8);
    const spaces = await Promise.all([createSpace(), createSpace()]);
    const results = await Promise.allSettled([
      spaces[0].attach(device),
      spaces[0].attach(device),
      spaces[1].attach(device),
    ]);
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expectCode(spaces[0].attach(device), 'INVALID_ARGUMENT');
    for (const [i, space] of spaces.entries()) {
      const { address } = space.map({ bytes: 16 * PAGE });
      await space.write(address, pattern(16 * PAGE, i));
    }
    for (const space of spaces) await space.close();
    await device.close();
    expect(device.violations).toEqual([]);
  });

  it('that read ahead leave alone what changes owner while they wait for a source', async () => {
    await using space = await createSpace();
    const latencies = [{ command: 1 }, { command: 500 }, { command: 1 }];
    const devices = await Promise.all(latencies.map((latency) => openDevice(8, { latency })));
    const [a, b, c] = (await Promise.all(devices.map((device) => space.attach(device, { prefetch: 'none' })))) as [
      Mirror,
      Mirror,
      Mirror,
    ];
    const opened = gate();
    const source = new TestSource(pattern(PAGE));
    source.gate = opened.opened;
    const { address } = space.map({ bytes: PAGE });
    const file = space.map({ bytes: PAGE, address: address + PAGE, fixed: true, source });
    await b.write(address, pattern(PAGE, 1));
    const ahead = a.prefetch(address, 2 * PAGE, { access: 'write' });
    await settle();
    const { recalls } = b.stats;
    const writing = c.write(address, pattern(8, 2));
    for (let i = 0; i < 200 && b.stats.recalls === recalls; i++) await new Promise((resolve) => setTimeout(resolve, 0));
    expect(b.stats.recalls).toBe(recalls + 1);
    opened.open();
    await Promise.all([ahead, writing]);
    expect(b.stats.recalls).toBe(recalls + 1);
    expect((await space.read(address, PAGE)).subarray(0, 16)).toEqual(
      Uint8Array.of(...pattern(8, 2), ...pattern(PAGE, 1).subarray(8, 16)),
    );
    expect(await a.read(file.address, PAGE)).toEqual(pattern(PAGE));
    await space.close();
    for (const device of devices) await device.close();
    expect(devices.map((device) => device.violations)).toEqual([[], [], []]);
  });

  it('share a copy-on-write page until one writes it', async () => {
    await using rig = await several(2);
    const [a, b] = rig.mirrors as [Mirror, Mirror];
    const { address } = rig.space.map({ bytes: PAGE });
    await a.write(address, pattern(PAGE));
    const child = await rig.space.fork();
    expect(await b.read(address, PAGE)).toEqual(pattern(PAGE));
    await b.write(address, pattern(8, 2));
    expect(await a.read(address, 8)).toEqual(pattern(8, 2));
    expect(await child.read(address, PAGE)).toEqual(pattern(PAGE));
    await child.close();
  });
});

describe('one device for several spaces', () => {
  it('keeps them apart', async () => {
    const device = await openDevice(4);
    const spaces = await Promise.all([createSpace(), createSpace(), createSpace()]);
    const base = 0x4000_0000;
    const mirrors = [];
    for (const space of spaces) {
      space.map({ bytes: 4 * PAGE, address: base, fixed: true });
      mirrors.push(await space.attach(device));
    }
    for (const [i, mirror] of mirrors.entries()) await mirror.write(base, pattern(4 * PAGE, i));
    for (const [i, mirror] of mirrors.entries())
      expect(await mirror.read(base, 4 * PAGE)).toEqual(pattern(4 * PAGE, i));
    for (const [i, space] of spaces.entries()) {
      expect(await space.read(base, 4 * PAGE)).toEqual(pattern(4 * PAGE, i));
      await space.close();
    }
    await device.close();
    expect(device.violations).toEqual([]);
  });

  it('demands that they agree on how its memory is managed', async () => {
    const device = await openDevice(4);
    const [a, b] = [await createSpace(), await createSpace()];
    const large = await createSpace({ pageSize: 65_536 });
    const first = await a.attach(device, { eviction: 'clock' });
    await expectCode(b.attach(device, { eviction: 'lru' }), 'INVALID_ARGUMENT');
    await expectCode(b.attach(device, { batch: 3 }), 'INVALID_ARGUMENT');
    await expectCode(large.attach(device), 'UNSUPPORTED');
    await b.attach(device, { eviction: 'clock' });
    await first.detach();
    await b.close();
    await b.close();
    await a.attach(device, { eviction: 'lru' });
    for (const space of [a, large]) await space.close();
    await device.close();
  });

  it('refuses one that could write what the CPU owns', async () => {
    const device = await openDevice(4, { features: ['queues', 'replayable-faults', 'dirty-bits', 'program:js'] });
    const space = await createSpace();
    const error = await expectCode(space.attach(device), 'UNSUPPORTED');
    expect(error.message).toContain('read-only-maps');
    await space.close();
    await device.close();
    expect(device.violations).toEqual([]);
  });
});
