import { createSpace } from '@mirrorspace/core';
import { memory, SimClock, TYPICAL_LATENCY } from '@mirrorspace/memory';
import { expect, it } from 'vitest';
import { nativeMemory } from '../../src/index.js';
import { PAGE, WORDS } from './rig.js';

const PAGES = 48;
const FRAMES = 32;

it('devices hear of plain stores when another one was lost while it gave up more than it needed', async () => {
  for (let events = 0; events < 24; events++) {
    const clock = new SimClock();
    const timed = { latency: TYPICAL_LATENCY, clock };
    await using space = await createSpace({ host: nativeMemory() });
    const lost = await memory.open({ memory: FRAMES * PAGE, ...timed });
    const kept = await memory.open({ memory: PAGES * PAGE });
    const mirror = await space.attach(lost, { prefetch: 'none', eviction: 'lru-64k' });
    const other = await space.attach(kept, { prefetch: 'none' });
    const region = space.map({ bytes: PAGES * PAGE });
    const words = new Uint32Array(region.buffer() as ArrayBuffer);
    const look = async (page: number) => {
      const bytes = await other.read(region.address + page * PAGE, 4);
      return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    };
    for (let page = 0; page < PAGES; page++) words[page * WORDS] = 1;
    await look(PAGES - 1);
    await mirror.read(region.address, FRAMES * PAGE);
    const reading = mirror.read(region.address + FRAMES * PAGE, 4).catch(() => undefined);
    for (let i = 0; i < events; i++) await new Promise((resolve) => setImmediate(resolve));
    memory.conformance.lose(lost);
    await reading;
    await mirror.lost;
    for (let page = 0; page < PAGES - 1; page++) {
      await look(page);
      words[(PAGES - 1) * WORDS] = page + 2;
      expect(await look(PAGES - 1), `after ${events} events and ${page + 1} pages`).toBe(page + 2);
    }
    await kept.close();
  }
});
