import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createSpace } from '@mirrorspace/core';
import { idle, openDevice, PAGE } from './device.js';
import { quartilesOf } from './quartiles.js';

const PAGES = 256;
const CALLS = 4096;
const TRIES = 12;

/** Objects that are known to be allocated; kept one after the other, so that the compiler cannot leave them out. */
const kept: object[] = Array.from({ length: 1024 }, () => ({}));

/**
 * Bytes that a callback leaves allocated on the JavaScript heap, garbage included, once it is warm, while a launch runs.
 * @throws Error where the heap meter does not see an object that is known to be allocated
 */
export async function allocatedPerCallback(): Promise<number> {
  const { device } = await openDevice({});
  const space = await createSpace();
  const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none' });
  const { address, bytes: all } = space.map({ bytes: PAGES * PAGE });
  await mirror.prefetch(address, all, { access: 'write' });
  let allocations = 0;
  const allocating = () => void (kept[allocations++ % kept.length] = { allocations });
  const seen = quartilesOf(await tries(allocating, () => Promise.resolve())).median;
  if (seen < 8) throw new Error(`the heap meter sees ${seen} bytes of an object`);
  let next = 0;
  const callback = () => {
    const start = address + (next++ % PAGES) * PAGE;
    space.notifiers.begin('protection', start, start + PAGE);
    space.notifiers.end();
  };
  const busy = async () => {
    await space.flush();
    await mirror.prefetch(address, all, { access: 'write' });
    mirror.launch(idle);
  };
  // The least: the compiler allocates, too, when it feels like it.
  const bytes = Math.min(...(await tries(callback, busy)));
  await space.close();
  await device.close();
  return bytes;
}

async function tries(run: () => void, prepare: () => Promise<void>): Promise<number[]> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const found: number[] = [];
  for (let attempt = 0; attempt < TRIES; attempt++) {
    await prepare();
    collect();
    const before = process.memoryUsage().heapUsed;
    const between = process.memoryUsage().heapUsed;
    for (let i = 0; i < CALLS; i++) run();
    const bytes = process.memoryUsage().heapUsed - between - (between - before);
    // A collection in between makes it negative: such a try says nothing.
    if (bytes >= 0) found.push(bytes / CALLS);
  }
  return found;
}
