import { createSpace } from '@mirrorspace/core';
import { idle, openDevice, PAGE } from './device.js';

/** Pages whose bits are harvested; the device has written a quarter of them. */
export const HARVESTED = 1024;

/** How long bits take to come back. */
export interface HarvestCase {
  readonly priorities: boolean;
  /** Launches in the user's queue. */
  readonly front: number;
  /** Most entries a command takes. */
  readonly pagesPerCommand: number;
}

export interface HarvestRow extends HarvestCase {
  readonly commands: number;
  readonly dirty: number;
  /** Simulated microseconds until the bits are in. */
  readonly us: number;
  /** Simulated microseconds by which that held up the launches. */
  readonly heldUpUs: number;
}

/** Harvests the bits of pages behind launches. */
export async function timeHarvest(one: HarvestCase): Promise<HarvestRow> {
  const alone = await harvestBehind(one, false);
  const { endUs, ...found } = await harvestBehind(one, true);
  return { ...one, ...found, heldUpUs: endUs - alone.endUs };
}

async function harvestBehind(
  one: HarvestCase,
  harvests: boolean,
): Promise<{ commands: number; dirty: number; us: number; endUs: number }> {
  const { device, tally } = await openDevice({ ...one, accessedBits: true });
  const space = await createSpace();
  try {
    const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none' });
    const { address, bytes } = space.map({ bytes: HARVESTED * PAGE });
    await mirror.prefetch(address, bytes, { access: 'write' });
    await mirror.harvest(address, bytes);
    await mirror.fill(address, bytes / 4, 1);
    await mirror.launch(idle).wait();
    const since = device.now();
    const last = Array.from({ length: one.front }, () => mirror.launch(idle)).at(-1);
    tally.clear();
    const dirty = harvests ? (await mirror.harvest(address, bytes)).dirty : 0;
    const us = device.now() - since;
    const { commands } = tally;
    await last?.wait();
    return { commands, dirty, us, endUs: device.now() - since };
  } finally {
    await space.close();
    await device.close();
  }
}
