import { createSpace, FLAG_LOCKED, FLAG_OWNED } from '@mirrorspace/core';
import { memory, SimClock, TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { expectCode, gate, openDevice, PAGE, pattern, settle, TestSource } from '../space/helpers.js';

/** Two mirrors on devices that take time, and a page of one region. */
async function twoDevices() {
  const clock = new SimClock();
  const device = await memory.open({ memory: 8 * PAGE, pageSizes: [PAGE], latency: TYPICAL_LATENCY, clock });
  const other = await openDevice(8, { latency: TYPICAL_LATENCY, clock });
  const space = await createSpace({ timeoutMs: 2000 });
  const mirror = await space.attach(device, { prefetch: 'none' });
  const second = await space.attach(other, { prefetch: 'none' });
  const { address } = space.map({ bytes: PAGE });
  await space.write(address, pattern(PAGE));
  const close = async () => {
    await space.close();
    await other.close();
    expect(other.violations).toEqual([]);
  };
  return { device, space, mirror, second, address, close };
}

describe('a lock outlives a device that is lost', () => {
  it('while another device takes over the page of which that had a copy', async () => {
    let seen = 0;
    for (let events = 0; events < 12; events++) {
      const { device, space, mirror, second, address, close } = await twoDevices();
      await mirror.read(address, 4);
      const writing = second.write(address, Uint8Array.of(1));
      for (let i = 0; i < events; i++) await new Promise((resolve) => setImmediate(resolve));
      const flags = () => space.pageFlags(address, 1)[0]!;
      const before = flags();
      memory.conformance.lose(device);
      if ((before & FLAG_LOCKED) !== 0 && (before & FLAG_OWNED) === 0) {
        seen++;
        // Whoever unlocks it, but he who locked it, lets others at a page that is on its way.
        for (let i = 0; i < 100 && (flags() & FLAG_OWNED) === 0; i++) {
          expect(flags() & FLAG_LOCKED, `after ${events} events, ${i} turns`).not.toBe(0);
          await Promise.resolve();
        }
      }
      await writing;
      expect(await space.read(address, 2)).toEqual(Uint8Array.of(1, pattern(PAGE)[1]!));
      await close();
    }
    expect(seen).toBeGreaterThan(0);
  });
});

describe('what a fault was refused', () => {
  it('because its page was lost is over once the page was written whole', async () => {
    for (let events = 0; events < 12; events++) {
      const { device, space, mirror, second, address, close } = await twoDevices();
      await mirror.write(address, pattern(PAGE, 2));
      const reading = second.read(address, 4).catch(() => undefined);
      for (let i = 0; i < events; i++) await new Promise((resolve) => setImmediate(resolve));
      memory.conformance.lose(device);
      await reading;
      await space.write(address, pattern(PAGE, 3));
      await second.write(address, Uint8Array.of(1));
      expect(await second.read(address, 2)).toEqual(Uint8Array.of(1, pattern(PAGE, 3)[1]!));
      await close();
    }
  });

  it.each(['after', 'while'])('is nothing to what is mapped at its address %s it is found out', async (when) => {
    const device = await openDevice(8);
    const space = await createSpace();
    const mirror = await space.attach(device, { prefetch: 'none' });
    const source = new TestSource(pattern(PAGE));
    const slow = gate();
    source.gate = slow.opened;
    source.readError = new Error('broken');
    const region = space.map({ bytes: PAGE, source });
    const reading = expectCode(mirror.read(region.address, 4), 'ADDRESS_NOT_MAPPED');
    await settle();
    await region.unmap();
    await reading;
    if (when === 'after') slow.open();
    await settle();
    const other = new TestSource(pattern(PAGE, 2));
    space.map({ bytes: PAGE, address: region.address, fixed: true, source: other });
    const again = mirror.read(region.address, PAGE);
    await settle();
    slow.open();
    expect(await again).toEqual(pattern(PAGE, 2));
    await space.close();
    await device.close();
    expect(device.violations).toEqual([]);
  });

  it('because its source failed is over once it was refused for another reason', async () => {
    const device = await openDevice(8);
    const space = await createSpace();
    const mirror = await space.attach(device, { prefetch: 'none' });
    const source = new TestSource(pattern(PAGE));
    const slow = gate();
    source.gate = slow.opened;
    source.readError = new Error('broken');
    const { address } = space.map({ bytes: PAGE, source });
    const reading = expectCode(mirror.read(address, 4), 'ACCESS_DENIED');
    await settle();
    await space.protect(address, PAGE, 'none');
    await reading;
    slow.open();
    await settle();
    source.readError = undefined;
    await space.protect(address, PAGE, 'read');
    expect(await mirror.read(address, PAGE)).toEqual(pattern(PAGE));
    await space.close();
    await device.close();
    expect(device.violations).toEqual([]);
  });
});
