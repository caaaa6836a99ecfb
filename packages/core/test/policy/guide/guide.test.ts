import { readFileSync } from 'node:fs';
import { createSpace } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';
import { expect, it } from 'vitest';
import { mine } from './example.js';

it('the example of docs/policy-authors.md is the one that runs here, in 30 lines', () => {
  const example = readFileSync(new URL('example.ts', import.meta.url), 'utf8').trim();
  const guide = readFileSync(new URL('../../../../../docs/policy-authors.md', import.meta.url), 'utf8');
  expect(guide).toContain(`\`\`\`ts\n${example}\n\`\`\``);
  expect(example.split('\n').length).toBeLessThanOrEqual(36);
});

it('and it keeps a loop of one page too many, of which least recently used keeps nothing', async () => {
  const faults = async (policies: typeof mine) => {
    const device = await memory.open({ memory: 8 * 4096, pageSizes: [4096] });
    const space = await createSpace();
    const mirror = await space.attach(device, { policies });
    const { address } = space.map({ bytes: 9 * 4096 });
    for (let i = 0; i < 90; i++) await mirror.read(address + (i % 9) * 4096, 1);
    const { faults: count } = mirror.stats;
    await space.close();
    await device.close();
    return count;
  };
  expect(await faults({ eviction: 'lru', prefetch: 'none' })).toBe(90);
  expect(await faults(mine)).toBeLessThanOrEqual(9 + 20);
});
