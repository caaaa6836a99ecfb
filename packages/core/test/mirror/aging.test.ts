import { type AttachOptions, createSpace } from '@mirrorspace/core';
import { ALL_FEATURES, type DeviceEvent, TYPICAL_LATENCY } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { createRig, expectBytes, expectCode, openDevice, PAGE, pattern } from '../space/helpers.js';
import { countUp } from './helpers.js';
import { random, zipf } from './zipf.js';

const FRAMES = 64;
const PAGES = 2 * FRAMES;
const ACCESSES = 6000;

interface Cost {
  readonly pagesIn: number;
  readonly pagesOut: number;
  readonly harvests: number;
}

/** One access a time, a tenth of them stores, by a device with room for half of the pages. */
async function costOf(options: AttachOptions): Promise<Cost> {
  let harvests = 0;
  const onEvent = ({ type, command }: DeviceEvent) => {
    if (type === 'command' && command === 'harvest') harvests++;
  };
  const device = await openDevice(FRAMES, { onEvent });
  const space = await createSpace();
  const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none', ...options });
  const { address } = space.map({ bytes: PAGES * PAGE });
  const written = new Map<number, number>();
  for (let page = 0; page < PAGES; page++) await space.write(address + page * PAGE, pattern(64, page));
  const pages = zipf(7, PAGES);
  const kinds = random(8);
  for (let i = 0; i < ACCESSES; i++) {
    const at = pages();
    if (kinds() >= 0.1) await mirror.read(address + at * PAGE, 4);
    else {
      await mirror.write(address + at * PAGE, pattern(64, i));
      written.set(at, i);
    }
  }
  const { pagesIn, pagesOut } = mirror.stats;
  for (let page = 0; page < PAGES; page++)
    expectBytes(await space.read(address + page * PAGE, 64), pattern(64, written.get(page) ?? page));
  await space.close();
  await device.close();
  expect(device.violations).toEqual([]);
  return { pagesIn, pagesOut, harvests };
}

describe('aging', () => {
  it('lets lru and clock go by accesses, and costs fifo harvests for nothing', async () => {
    const table: Record<string, Record<string, Cost>> = {};
    for (const eviction of ['lru', 'clock', 'fifo'] as const) {
      const row: Record<string, Cost> = (table[eviction] = {});
      for (const aging of [0, 1, 0.5, 0.25]) row[aging] = await costOf({ eviction, aging });
    }
    console.log(JSON.stringify(table, undefined, 1));
    for (const eviction of ['lru', 'clock'] as const) {
      expect(table[eviction]![0.25]!.pagesIn).toBeLessThan(table[eviction]![0]!.pagesIn);
      expect(table[eviction]![0]!.harvests).toBe(0);
      expect(table[eviction]![0.25]!.harvests).toBeGreaterThan(table[eviction]![1]!.harvests);
    }
    expect(table['fifo']![0.25]!.pagesIn).toBe(table['fifo']![0]!.pagesIn);
  }, 60_000);

  it('loses nothing under launches of two spaces, a detach and a loss', async () => {
    const device = await openDevice(8, { latency: TYPICAL_LATENCY, pagesPerCommand: 3 });
    const spaces = await Promise.all([createSpace(), createSpace()]);
    const mirrors = await Promise.all(
      spaces.map((space) => space.attach(device, { eviction: 'lru', prefetch: 'none', aging: 0.25 })),
    );
    const addresses = spaces.map((space) => space.map({ bytes: 16 * PAGE }).address);
    const fences = mirrors.map((mirror, i) => mirror.launch(countUp, { grid: [128], args: [addresses[i]!, PAGE, 16] }));
    await fences[0]!.wait();
    await mirrors[0]!.detach();
    await fences[1]!.wait();
    for (const [i, space] of spaces.entries()) {
      for (let page = 0; page < 16; page++)
        expect(new Uint32Array((await space.read(addresses[i]! + page * PAGE, 4)).buffer)[0]).toBe(8);
    }
    const last = mirrors[1]!.launch(countUp, { grid: [512], args: [addresses[1]!, PAGE, 16] });
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    await device.close();
    await expectCode(last.wait(), 'CLOSED');
    for (const space of spaces) await space.close();
    expect(device.violations).toEqual([]);
  });

  it('sends nothing to a device that has no accessed bits', async () => {
    let harvests = 0;
    const features = ALL_FEATURES.filter((feature) => feature !== 'accessed-bits');
    const onEvent = ({ command }: DeviceEvent) => void (command === 'harvest' && harvests++);
    await using rig = await createRig({ frames: 4, device: { features, onEvent }, attach: { aging: 0.25 } });
    const { address } = rig.space.map({ bytes: 16 * PAGE });
    for (let page = 0; page < 16; page++) await rig.mirror.read(address + page * PAGE, 1);
    expect(rig.mirror.stats.evictions).toBe(12);
    expect(harvests).toBe(0);
  });
});

it('a harvest waits within its time for a look at frames that never ends', async () => {
  const device = await openDevice(4, { faults: [{ do: 'hang', at: { kind: 'harvest', nth: 1 } }] });
  const space = await createSpace();
  const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none', sampling: 2, timeoutMs: 1000 });
  const { address } = space.map({ bytes: 8 * PAGE });
  for (let page = 0; page < 5; page++) await mirror.read(address + page * PAGE, 1);
  expect(mirror.stats.evictions).toBe(1);
  await expectCode(mirror.harvest(address, 8 * PAGE), 'DEVICE_TIMEOUT');
  await device.close();
  await space.close();
});
