import type { AttachOptions } from '@mirrorspace/core';
import { bytesEqual } from './check.js';
import type { Env } from './env.js';
import { pattern } from './frames.js';
import type { WatchedDevice } from './watch.js';

const PAGES = 3;
const MOST_ROUNDS = 200;

/** Another user of the same device, busy while a case runs. */
export interface Neighbour {
  /** Stops it and checks that nothing of its own was changed. */
  finish(): Promise<void>;
}

/** Opens a second space on the device, at the same addresses as the first, and keeps storing to it from the device. */
export async function startNeighbour(env: Env, device: WatchedDevice, options: AttachOptions): Promise<Neighbour> {
  const space = await env.createSpace(device);
  const mirror = await space.attach(device, options);
  const { address } = space.map({ bytes: PAGES * env.pageSize });
  const stored = new Array<number>(PAGES).fill(-1);
  let stopped = false;
  const work = async (): Promise<void> => {
    for (let round = 0; round < MOST_ROUNDS && !stopped; round++) {
      const page = round % PAGES;
      await mirror.write(address + page * env.pageSize, pattern(round, 64));
      stored[page] = round;
      await env.turn();
    }
  };
  const working = work();
  // Looked at in finish; until then a failure must not count as unhandled.
  working.catch(() => undefined);
  return {
    async finish() {
      stopped = true;
      await Promise.allSettled([working]);
      const lost = await Promise.race([device.lost.then(() => true), env.turn().then(() => false)]);
      if (!lost) {
        await working;
        for (const [page, round] of stored.entries()) {
          const seen = await space.read(address + page * env.pageSize, 64);
          bytesEqual(
            seen,
            round < 0 ? new Uint8Array(64) : pattern(round, 64),
            `page ${page} of the second space on the device`,
          );
        }
      }
      await mirror.detach();
      await space.close();
    },
  };
}
