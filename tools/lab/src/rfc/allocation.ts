import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createSpace } from '@mirrorspace/core';
import { memory } from '@mirrorspace/memory';

const PAGE = 4096;
const PAGES = 256;
const CALLS = 4096;
const TRIES = 12;

let kept: object | undefined;

/**
 * Bytes that a callback leaves allocated on the JavaScript heap, garbage included, once it is warm.
 * @throws Error where the heap meter does not see an object that is known to be allocated
 */
export async function allocatedPerCallback(): Promise<number> {
  const device = await memory.open();
  const space = await createSpace();
  const mirror = await space.attach(device, { prefetch: 'none' });
  const { address } = space.map({ bytes: PAGES * PAGE });
  await mirror.prefetch(address, PAGES * PAGE);
  const seen = await leastPerCall(
    () => void (kept = { kept: undefined }),
    () => Promise.resolve(),
  );
  if (seen < 8 || kept === undefined) throw new Error(`the heap meter sees ${seen} bytes of an object`);
  let next = 0;
  const callback = () => {
    const start = address + (next++ % PAGES) * PAGE;
    space.notifiers.begin('protection', start, start + PAGE);
    space.notifiers.end();
  };
  const bytes = await leastPerCall(callback, () => space.flush());
  await space.close();
  await device.close();
  return bytes;
}

/** The least of several tries: the compiler allocates, too, when it feels like it. */
async function leastPerCall(run: () => void, settle: () => Promise<void>): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let least = Infinity;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    await settle();
    collect();
    const before = process.memoryUsage().heapUsed;
    const between = process.memoryUsage().heapUsed;
    for (let i = 0; i < CALLS; i++) run();
    const bytes = process.memoryUsage().heapUsed - between - (between - before);
    // A collection in between makes it negative: such a try says nothing.
    if (bytes >= 0) least = Math.min(least, bytes / CALLS);
  }
  return least;
}
