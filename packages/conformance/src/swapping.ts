import { fail } from './check.js';
import type { PageSpan } from './page-span.js';
import { ON_DEVICE, ON_HOST, type SpaceRig } from './space-rig.js';

const MOST_PASSES = 40;

/** Where pages of a range are, as the mirror under test sees it: a number of `ON_*`, `WRITABLE` and `SWAPPED` bits each. */
export function places(t: SpaceRig, area: PageSpan): number[] {
  return Array.from(t.mirror.residency(area.address, area.bytes));
}

/** Takes out what may leave of a range, once nothing of it is under way; the bytes freed. */
export async function pageOut(t: SpaceRig, area: PageSpan): Promise<number> {
  await t.space.flush();
  return t.space.pageOut(area.address, area.bytes);
}

/** Reclaims until no page of a range is in host memory or on the device. What was accessed meanwhile may stay in one pass. */
export async function reclaimAll(t: SpaceRig, area: PageSpan): Promise<void> {
  for (let pass = 0; pass < MOST_PASSES; pass++) {
    await t.space.reclaim(256 * t.pageSize);
    if (places(t, area).every((at) => (at & (ON_HOST | ON_DEVICE)) === 0)) return;
    // A device that runs beside the host needs time, not turns.
    if (pass < MOST_PASSES / 2) await t.env.turn();
    else await new Promise((resolve) => setTimeout(resolve, 5));
  }
  fail(`after ${MOST_PASSES} passes of reclaim pages are where they were: ${places(t, area).join(', ')}`);
}
