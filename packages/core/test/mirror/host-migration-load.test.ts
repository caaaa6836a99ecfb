import { createSpace, type HostMigrationPolicy, type RelocateResult } from '@mirrorspace/core';
import { type DeviceEvent, TYPICAL_LATENCY } from '@mirrorspace/memory';
import { expect, it } from 'vitest';
import { openDevice, PAGE, pattern } from '../space/helpers.js';
import { countUp } from './helpers.js';

const BASE = 0x4000_0000;
const PAGES = 1000;
const ROUNDS = 100;

interface Cost {
  readonly result: RelocateResult | undefined;
  /** Commands on the paging queue, of all kinds. */
  readonly commands: number;
  readonly pagesOut: number;
  readonly bytesOut: number;
  readonly pagesIn: number;
  readonly bytesIn: number;
  readonly faults: number;
  /** Simulated microseconds until the launch ended. */
  readonly launchUs: number;
}

/** Relocates pages that a device owns and a launch keeps adding to, and counts from there to the end of the launch. */
async function costOf(devicePages: HostMigrationPolicy | undefined): Promise<Cost> {
  let commands = 0;
  const onEvent = ({ type, command }: DeviceEvent) => {
    if (type === 'command' && command !== 'launch') commands++;
  };
  const device = await openDevice(2 * PAGES, { latency: TYPICAL_LATENCY, onEvent });
  const space = await createSpace();
  const mirror = await space.attach(device, { prefetch: 'none' });
  space.map({ bytes: PAGES * PAGE, address: BASE, fixed: true });
  for (let page = PAGES - 1; page >= 0; page--) await space.write(BASE + page * PAGE, pattern(PAGE, page));
  await mirror.launch(countUp, { grid: [PAGES], args: [BASE, PAGE, PAGES] }).wait();

  const before = { ...mirror.stats };
  const since = device.now();
  commands = 0;
  const fence = mirror.launch(countUp, { grid: [PAGES * ROUNDS], args: [BASE, PAGE, PAGES] });
  // Under way, and far from its end.
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  expect(fence.signaled).toBe(false);
  const result = devicePages && (await space.relocate(BASE, PAGES * PAGE, { devicePages }));
  expect(fence.signaled).toBe(false);
  await fence.wait();
  const launchUs = device.now() - since;
  const { pagesOut, bytesOut, pagesIn, bytesIn, faults } = mirror.stats;
  const counted = commands;
  for (let page = 0; page < PAGES; page++) {
    const expected = pattern(PAGE, page);
    const word = new DataView(expected.buffer);
    word.setUint32(0, word.getUint32(0, true) + 1 + ROUNDS, true);
    expect(Buffer.compare(await space.read(BASE + page * PAGE, PAGE), expected)).toBe(0);
  }
  await space.close();
  await device.close();
  expect(device.violations).toEqual([]);
  return {
    result,
    commands: counted,
    pagesOut: pagesOut - before.pagesOut,
    bytesOut: bytesOut - before.bytesOut,
    pagesIn: pagesIn - before.pagesIn,
    bytesIn: bytesIn - before.bytesIn,
    faults: faults - before.faults,
    launchUs,
  };
}

it('costs what each answer says, under a launch that keeps using the pages', async () => {
  const none = await costOf(undefined);
  const forbid = await costOf('forbid');
  const migrate = await costOf('migrate');
  const unmap = await costOf('unmap');
  console.log(JSON.stringify({ none, forbid, migrate, unmap }, undefined, 1));

  expect(forbid.result).toEqual({ moved: 0, refused: PAGES, contiguous: false });
  expect(migrate.result).toEqual({ moved: PAGES, refused: 0, contiguous: true });
  expect(unmap.result).toEqual({ moved: PAGES, refused: 0, contiguous: true });
  // Neither the first nor the second answer costs the device anything.
  for (const cost of [forbid, migrate]) {
    const { result: _, ...device } = cost;
    expect(device).toEqual({ ...none, result: undefined, launchUs: device.launchUs });
    expect(device.launchUs).toBeCloseTo(none.launchUs);
  }
  // The third costs each page its way home and back, and a fault.
  expect(unmap.pagesOut).toBeGreaterThanOrEqual(PAGES);
  expect(unmap.faults).toBeGreaterThanOrEqual(PAGES);
  expect(unmap.pagesIn).toBe(unmap.faults);
  expect(unmap.launchUs).toBeGreaterThan(none.launchUs);
}, 60_000);

it.each(['forbid', 'migrate', 'unmap'] as const)(
  'keeps contents under a launch that faults on the pages while they move, %s',
  async (devicePages) => {
    const pages = 96;
    const device = await openDevice(40, { latency: TYPICAL_LATENCY, residentUnits: 16 });
    const space = await createSpace();
    const mirror = await space.attach(device, { batch: 8 });
    space.map({ bytes: pages * PAGE, address: BASE, fixed: true });
    for (let page = pages - 1; page >= 0; page--) await space.write(BASE + page * PAGE, pattern(PAGE, page));
    const fence = mirror.launch(countUp, { grid: [8 * pages], args: [BASE, PAGE, pages] });
    let moved = 0;
    let passes = 0;
    for (; !fence.signaled && fence.error === undefined; passes++) {
      // Each pass takes other pages, so that none finds its range in order.
      const first = passes % 2 === 0 ? 0 : 7;
      moved += (await space.relocate(BASE + first * PAGE, (pages - 2 * first) * PAGE, { devicePages })).moved;
    }
    await fence.wait();
    expect(moved).toBeGreaterThan(pages / 2);
    expect(passes).toBeGreaterThan(0);
    expect(mirror.stats.evictions).toBeGreaterThan(pages);
    for (let page = 0; page < pages; page++) {
      const expected = pattern(PAGE, page);
      const word = new DataView(expected.buffer);
      word.setUint32(0, word.getUint32(0, true) + 8, true);
      expect(Buffer.compare(await space.read(BASE + page * PAGE, PAGE), expected)).toBe(0);
    }
    await space.close();
    await device.close();
    expect(device.violations).toEqual([]);
  },
);
