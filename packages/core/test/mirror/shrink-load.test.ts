import { createSpace, memorySwap } from '@mirrorspace/core';
import { ALL_FEATURES } from '@mirrorspace/memory';
import { describe, expect, it } from 'vitest';
import { expectBytes, openDevice, PAGE, pattern } from '../space/helpers.js';
import { zipf } from './zipf.js';

const PAGES = 256;
/** Pages that both devices use: the first of them all. */
const SHARED = 64;
const ACCESSES = 4000;
/** Accesses from one call of reclaim to the next, and pages that it is to free. */
const EVERY = 64;
const FREED = 12;

/** What the lists learn: of faults, of the device's accessed bits as well, or of each access by `markAccessed`. */
const KNOWLEDGE = ['faults alone', 'harvested bits', 'marks'] as const;
type Knowledge = (typeof KNOWLEDGE)[number];

interface Cost {
  /** Host frames freed. */
  readonly freed: number;
  /** Pages that devices had to give up for them. */
  readonly taken: number;
  /** Pages that came to a device which had given them up. */
  readonly refaults: number;
  readonly swappedIn: number;
}

/** Two devices, each with room for all that it uses, on one space whose host memory is kept small. */
async function costOf(lists: 'device' | 'global', knows: Knowledge): Promise<Cost> {
  const features = ALL_FEATURES.filter((feature) => knows === 'harvested bits' || feature !== 'accessed-bits');
  const devices = [await openDevice(PAGES, { features }), await openDevice(PAGES, { features })];
  const space = await createSpace({ reclaim: { swap: memorySwap(2 * PAGES * PAGE), lists } });
  const mirrors = await Promise.all(devices.map((device) => space.attach(device, { prefetch: 'none' })));
  const { address } = space.map({ bytes: PAGES * PAGE });
  for (let page = 0; page < PAGES; page++) await space.write(address + page * PAGE, pattern(64, page));
  // One device uses the shared pages and those behind them, the other one the shared pages and the rest.
  const own = (PAGES - SHARED) / 2;
  const draw = [zipf(3, SHARED + own), zipf(4, SHARED + own)];
  const used = [new Set<number>(), new Set<number>()];
  let freed = 0;
  for (let i = 0; i < ACCESSES; i++) {
    const which = i % 2;
    const drawn = draw[which]!();
    const page = drawn < SHARED ? drawn : drawn + which * own;
    used[which]!.add(page);
    await mirrors[which]!.read(address + page * PAGE, 4);
    if (knows === 'marks') mirrors[which]!.markAccessed(address + page * PAGE, PAGE);
    if (i % EVERY === EVERY - 1) freed += (await space.reclaim(FREED * PAGE)) / PAGE;
  }
  const { swappedIn } = space.memory.stats;
  const taken = mirrors[0]!.stats.recalls + mirrors[1]!.stats.recalls;
  const refaults = mirrors.reduce((sum, { stats }, which) => sum + stats.pagesIn - used[which]!.size, 0);
  for (let page = 0; page < PAGES; page++) expectBytes(await space.read(address + page * PAGE, 64), pattern(64, page));
  await space.close();
  for (const device of devices) {
    await device.close();
    expect(device.violations).toEqual([]);
  }
  return { freed, taken, refaults, swappedIn };
}

describe('the shrinker', () => {
  it('takes fewer pages off devices that come back, the more it is told of what they access', async () => {
    const table: Record<string, Cost> = {};
    for (const lists of ['device', 'global'] as const)
      for (const knows of KNOWLEDGE) table[`${lists}, ${knows}`] = await costOf(lists, knows);
    console.log(JSON.stringify(table, undefined, 1));
    for (const lists of ['device', 'global']) {
      const refaults = (knows: Knowledge): number => table[`${lists}, ${knows}`]!.refaults;
      expect(refaults('harvested bits')).toBeLessThan(refaults('faults alone'));
      expect(refaults('marks')).toBeLessThan(refaults('faults alone'));
    }
  }, 60_000);
});
