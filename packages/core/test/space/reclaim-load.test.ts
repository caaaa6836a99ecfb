import { createSpace, type EvictionName, memorySwap } from '@mirrorspace/core';
import { expect, it } from 'vitest';
import { random, zipf } from '../mirror/zipf.js';
import { expectBytes, PAGE, pattern } from './helpers.js';

const PAGES = 256;
const ACCESSES = 6000;

interface Cost {
  readonly swappedOut: number;
  readonly swappedIn: number;
}

/** The CPU accesses one page a time, a tenth of it stores, with room for a part of the pages. */
async function costOf(order: EvictionName, budget: number): Promise<Cost> {
  await using space = await createSpace({
    reclaim: { budget: budget * PAGE, swap: memorySwap(2 * PAGES * PAGE), order },
  });
  const { address } = space.map({ bytes: PAGES * PAGE });
  for (let page = 0; page < PAGES; page++) await space.write(address + page * PAGE, pattern(64, page));
  const before = space.memory.stats;
  const pages = zipf(7, PAGES);
  const kinds = random(8);
  const written = new Map<number, number>();
  for (let i = 0; i < ACCESSES; i++) {
    const page = pages();
    if (kinds() >= 0.1) await space.read(address + page * PAGE, 4);
    else {
      await space.write(address + page * PAGE, pattern(64, i));
      written.set(page, i);
    }
    expect(space.memory.used).toBeLessThanOrEqual((budget + 1) * PAGE);
  }
  const { swappedOut, swappedIn } = space.memory.stats;
  for (let page = 0; page < PAGES; page++)
    expectBytes(await space.read(address + page * PAGE, 64), pattern(64, written.get(page) ?? page));
  return { swappedOut: swappedOut - before.swappedOut, swappedIn: swappedIn - before.swappedIn };
}

it('brings fewer pages back where reclaim goes by accesses', async () => {
  const table: Record<string, Cost> = {};
  for (const budget of [PAGES / 2, PAGES / 4])
    for (const order of ['lru', 'clock', 'fifo'] as const) table[`${budget}, ${order}`] = await costOf(order, budget);
  console.log(JSON.stringify(table, undefined, 1));
  for (const budget of [PAGES / 2, PAGES / 4]) {
    for (const order of ['lru', 'clock'])
      expect(table[`${budget}, ${order}`]!.swappedIn).toBeLessThan(table[`${budget}, fifo`]!.swappedIn);
  }
}, 60_000);
