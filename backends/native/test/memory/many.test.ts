import { expect, it } from 'vitest';
import { nativeMemory } from '../../src/index.js';
import { Toucher } from '../live/toucher.js';

it('serves its faults after hundreds of memories before it: they hold no wait any more', async () => {
  for (let i = 0; i < 600; i++) {
    const memory = nativeMemory();
    memory.live.onFault = () => undefined;
    memory.live.open(1).close();
    if (i % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const memory = nativeMemory({ patienceMs: 20_000 });
  const range = memory.live.open(1);
  const page = Uint32Array.of(range.first);
  memory.live.take(range.first);
  memory.live.withhold(page, 1);
  memory.live.onFault = (faults) => {
    if (faults.length > 0) memory.live.restore(page, 1);
  };
  await using thread = await Toucher.start(range.buffer(0, 4096, true) as SharedArrayBuffer);
  await thread.store([0], 7);
  expect(await thread.load([0])).toEqual([7]);
  range.close();
}, 60_000);
