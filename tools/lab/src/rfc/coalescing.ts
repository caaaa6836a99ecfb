import { createSpace, type QueuePolicyName } from '@mirrorspace/core';
import { idle, openDevice, pause, PAGE, unmapOneByOne } from './device.js';

/** Pages unmapped in all. */
const PAGES = 1000;
/** Simulated microseconds from one turn to the next. */
export const GAP_US = 10;
/** Launches that stand in the user's queue meanwhile. */
export const FRONT = 100;

/** How many commands the same pages take, by how many of them are unmapped a turn. */
export interface CoalescingRow {
  readonly placement: QueuePolicyName;
  readonly pagesPerTurn: number;
  readonly turns: number;
  /** Submissions, those included that only mark a place in a queue. */
  readonly submissions: number;
  readonly commands: number;
  readonly commandsPerPage: number;
  /** Simulated microseconds from the first change until the last flush is done. */
  readonly doneUs: number;
}

/** Unmaps pages one by one, some in each turn, and does not wait from one turn to the next. */
export async function coalesce(placement: QueuePolicyName, pagesPerTurn: number): Promise<CoalescingRow> {
  const { device, clock, tally } = await openDevice({});
  const space = await createSpace();
  try {
    const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none', updateQueue: placement });
    const { address, bytes } = space.map({ bytes: PAGES * PAGE });
    await mirror.prefetch(address, bytes, { access: 'write' });
    await mirror.launch(idle).wait();
    const fences = Array.from({ length: FRONT }, () => mirror.launch(idle));
    tally.clear();
    const since = device.now();
    const turns = PAGES / pagesPerTurn;
    const flushed: Promise<void>[] = [];
    for (let turn = 0; turn < turns; turn++) {
      if (turn > 0) await pause(clock, GAP_US);
      flushed.push(unmapOneByOne(space, address + turn * pagesPerTurn * PAGE, pagesPerTurn));
    }
    await Promise.all(flushed);
    const doneUs = device.now() - since;
    const { submissions, commands } = tally;
    await fences.at(-1)!.wait();
    const { invalidated } = mirror.stats;
    if (invalidated !== PAGES) throw new Error(`${invalidated} entries were invalidated, not ${PAGES}`);
    return { placement, pagesPerTurn, turns, submissions, commands, commandsPerPage: commands / PAGES, doneUs };
  } finally {
    await space.close();
    await device.close();
  }
}
