import { type ByteSource, createSpace, type Mirror, type AddressSpace } from '@mirrorspace/core';
import { memory, TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { expectBytes, gate, openDevice, PAGE, pattern } from '../space/helpers.js';

const BASE = 0x4000_0000;
/** Turns after which the device begins, and the truncation is looked at. */
const TURNS = 40;

interface ShrinkingSource extends ByteSource {
  /** Awaited before each read. */
  gate: Promise<void> | undefined;
}

function fileOf(bytes: Uint8Array): ShrinkingSource {
  let size = bytes.length;
  return {
    get size() {
      return size;
    },
    gate: undefined,
    async read(offset, into) {
      const read = bytes.slice(offset, offset + into.length);
      await this.gate;
      into.set(read);
    },
    write: (offset, from) => bytes.set(from, offset),
    truncate(to) {
      size = to;
      bytes.fill(0, to);
    },
  };
}

/** The first four bytes of a page are the device's, again and again until it is told to stop. */
function keepBusy(mirror: Mirror, how: 'read' | 'write' | 'atomic'): () => Promise<void> {
  let going = true;
  const run = async () => {
    while (going) {
      if (how === 'read') await mirror.read(BASE, 4);
      else if (how === 'write') await mirror.write(BASE, Uint8Array.of(9, 9, 9, 9));
      else await mirror.atomicAdd(BASE, 1);
    }
  };
  const running = run();
  return async () => {
    going = false;
    await running;
  };
}

async function tailIsZero(space: AddressSpace, mirrors: readonly Mirror[], size: number): Promise<void> {
  for (const who of [...mirrors, space]) {
    const bytes = await who.read(BASE, PAGE);
    expectBytes(bytes.subarray(size), new Uint8Array(PAGE - size));
    expect(bytes.subarray(4, size).every((byte) => byte === 7)).toBe(true);
  }
}

describe('the rest of the last page becomes zeros while a device', () => {
  for (const latency of ['zero', 'typical'] as const) {
    for (const how of ['read', 'write', 'atomic'] as const) {
      it(`uses it: ${how}, ${latency} latency`, async () => {
        for (let turns = 0; turns < TURNS; turns++) {
          const source = fileOf(new Uint8Array(2 * PAGE).fill(5));
          const times = latency === 'zero' ? {} : { latency: TYPICAL_LATENCY, seed: turns + 1 };
          const device = await openDevice(8, times);
          const space = await createSpace({ timeoutMs: 5000 });
          const mirror = await space.attach(device, { prefetch: 'none' });
          space.map({ bytes: 2 * PAGE, address: BASE, fixed: true, source, share: 'shared' });
          await mirror.write(BASE, new Uint8Array(PAGE).fill(7));
          const truncated = space.truncate(source, 100);
          const stop = keepBusy(mirror, how);
          for (let i = 0; i < turns; i++) await Promise.resolve();
          await truncated;
          await stop();
          await tailIsZero(space, [mirror], 100);
          await space.close();
          await device.close();
          expect(device.violations).toEqual([]);
        }
      });
    }
  }

  it('and another one take it from each other', async () => {
    for (let turns = 0; turns < TURNS; turns++) {
      const source = fileOf(new Uint8Array(2 * PAGE).fill(5));
      const devices = await Promise.all([memory, memory].map(() => openDevice(8)));
      const space = await createSpace({ timeoutMs: 5000 });
      const mirrors = await Promise.all(devices.map((device) => space.attach(device, { prefetch: 'none' })));
      space.map({ bytes: 2 * PAGE, address: BASE, fixed: true, source, share: 'shared' });
      await mirrors[0]!.write(BASE, new Uint8Array(PAGE).fill(7));
      const stops = mirrors.map((mirror) => keepBusy(mirror, 'write'));
      for (let i = 0; i < turns; i++) await Promise.resolve();
      await space.truncate(source, 100);
      for (const stop of stops) await stop();
      await tailIsZero(space, mirrors, 100);
      await space.close();
      for (const device of devices) await device.close();
    }
  });
});

it('the rest of a last page that is being read when its file is made shorter becomes zeros', async () => {
  const source = fileOf(new Uint8Array(2 * PAGE).fill(7));
  await using space = await createSpace();
  space.map({ bytes: 2 * PAGE, address: BASE, fixed: true, source, share: 'shared' });
  const held = gate();
  source.gate = held.opened;
  const reading = space.read(BASE, PAGE);
  for (let i = 0; i < 5; i++) await Promise.resolve();
  const truncated = space.truncate(source, 100);
  for (let i = 0; i < 20; i++) await Promise.resolve();
  held.open();
  await truncated;
  await reading;
  await tailIsZero(space, [], 100);
});

it('what is written behind the end of a file that grew again by a truncation stays, whatever came before', async () => {
  for (let turns = 0; turns < TURNS; turns++) {
    const source = fileOf(new Uint8Array(2 * PAGE).fill(7));
    const device = await openDevice(8, { latency: TYPICAL_LATENCY, seed: turns + 1 });
    const space = await createSpace();
    const mirror = await space.attach(device, { prefetch: 'none' });
    space.map({ bytes: 2 * PAGE, address: BASE, fixed: true, source, share: 'shared' });
    await mirror.write(BASE, new Uint8Array(PAGE).fill(7));
    const shorter = space.truncate(source, 100);
    const stop = keepBusy(mirror, 'read');
    for (let i = 0; i < turns; i++) await Promise.resolve();
    await space.truncate(source, 2 * PAGE);
    await space.write(BASE + 200, pattern(50));
    await shorter;
    await stop();
    expectBytes(await mirror.read(BASE + 200, 50), pattern(50));
    expectBytes(await space.read(BASE + 200, 50), pattern(50));
    await space.close();
    await device.close();
  }
});
