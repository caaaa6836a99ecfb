import { createSpace, memorySwap, type PreemptionName } from '@mirrorspace/core';
import { idle, openDevice, PAGE } from './device.js';

/** Pages that there are, and that a pass is asked for. */
export const HELD = 1024;
export const ASKED = 256;

/** What the pages are that reclaim is asked for, and what stands in front of their device. */
export interface ShrinkCase {
  /** `ordinary`: no device has them; `read`: a device has them and wrote none; `written`: it wrote all. */
  readonly pages: 'ordinary' | 'read' | 'written';
  /** Launches in the user's queue. */
  readonly front: number;
  readonly accessedBits: boolean;
  readonly preemption: PreemptionName;
}

export interface ShrinkRow extends ShrinkCase {
  readonly freed: number;
  readonly commands: number;
  /** Simulated microseconds until the pages have left host memory. */
  readonly us: number;
}

/** Has reclaim free pages while launches run. */
export async function timeShrinker(one: ShrinkCase): Promise<ShrinkRow> {
  const { pages, accessedBits, preemption } = one;
  const { device, tally } = await openDevice({ accessedBits, preemptionUs: 1, hostTurns: 16 });
  const space = await createSpace({ reclaim: { swap: memorySwap(2 * HELD * PAGE) } });
  try {
    const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none', preemption });
    const { address, bytes } = space.map({ bytes: HELD * PAGE });
    await space.write(address, new Uint8Array(bytes).fill(7));
    if (pages !== 'ordinary') await mirror.prefetch(address, bytes, { access: pages === 'read' ? 'read' : 'write' });
    if (pages === 'written') await mirror.fill(address, bytes, 9);
    // What was used until now counts no more.
    await mirror.harvest(address, bytes);
    await mirror.launch(idle).wait();
    const since = device.now();
    const last = Array.from({ length: one.front }, () => mirror.launch(idle, { grid: [256] })).at(-1);
    tally.clear();
    const freed = (await space.reclaim(ASKED * PAGE)) / PAGE;
    const us = device.now() - since;
    const { commands } = tally;
    await last?.wait();
    const byte = pages === 'written' ? 9 : 7;
    if ((await space.read(address, bytes)).some((found) => found !== byte)) throw new Error('reclaim lost contents');
    return { ...one, freed, commands, us };
  } finally {
    await space.close();
    await device.close();
  }
}
