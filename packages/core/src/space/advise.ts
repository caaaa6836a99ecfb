import { changeRanges } from './entries.js';
import type { Advice, RegionOwner } from './region.js';
import type { SpaceMirror, SpaceState } from './state.js';
import { isolate, zap } from './unmap.js';

/** Whether advice says something that devices are told of which serve their faults by themselves. */
export function concernsDevices({ preferredLocation, readMostly, accessedBy }: Advice): boolean {
  return preferredLocation !== undefined || readMostly !== undefined || accessedBy !== undefined;
}

/**
 * Attaches advice to a page range; fields that are absent stay as they are. Resolves when a pin is in force, and devices that serve their faults
 * by themselves were told. What they refuse rejects; the advice holds all the same.
 */
export async function adviseRange(
  space: SpaceState,
  owner: RegionOwner,
  start: number,
  end: number,
  request: Advice,
): Promise<void> {
  if (typeof request !== 'object' || request === null) throw new TypeError('advise takes an object of advice');
  checkAdvice(space, request);
  space.checkMapped(start, end);
  const { pin } = request;
  // A page that nobody may read is not brought to a device, even where it still lies on one.
  if (pin !== undefined && pin !== null) space.checkAccess(start, end, false);
  const regions = isolate(space, owner, start, end);
  const before = regions.map((region) => region.advice);
  for (const region of regions) region.advice = { ...region.advice, ...request };
  if (pin !== undefined) {
    try {
      if (pin !== null) await mirrorOf(space, pin).pin(start, end);
    } catch (error) {
      regions.forEach((region, i) => (region.advice = before[i]!));
      throw error;
    }
    for (const mirror of space.mirrors) if (mirror !== pin) mirror.unpin(start, end);
  }
  if (concernsDevices(request)) await Promise.all(Array.from(space.mirrors, (mirror) => mirror.advised(start, end)));
}

/** Brings a page range to a mirror ahead of faults, best effort. */
export async function willNeed(space: SpaceState, start: number, end: number, mirror: object): Promise<void> {
  space.checkMapped(start, end);
  await mirrorOf(space, mirror).bring(start, end);
}

/** Discards a page range: anonymous private memory becomes zeros, private copies of files are forgotten, shared contents stay. */
export async function dontNeed(space: SpaceState, start: number, end: number): Promise<void> {
  space.checkMapped(start, end);
  changeRanges(space.notifiers, 'clear', [{ start, end }], () => {
    space.checkMapped(start, end);
    zap(space, start, end);
  });
  space.store.announce();
  await space.flush();
}

function checkAdvice(space: SpaceState, request: Advice): void {
  const { preferredLocation, readMostly, accessedBy, pin, mergeable } = request;
  if (preferredLocation !== undefined && preferredLocation !== null && preferredLocation !== 'host')
    mirrorOf(space, preferredLocation);
  if (readMostly !== undefined && typeof readMostly !== 'boolean')
    throw new TypeError(`readMostly must be a boolean, got ${typeof readMostly}`);
  if (mergeable !== undefined && typeof mergeable !== 'boolean')
    throw new TypeError(`mergeable must be a boolean, got ${typeof mergeable}`);
  if (accessedBy !== undefined && !Array.isArray(accessedBy))
    throw new TypeError('accessedBy must be an array of mirrors');
  for (const mirror of (accessedBy ?? []) as readonly object[]) mirrorOf(space, mirror);
  if (pin !== undefined && pin !== null) mirrorOf(space, pin);
}

/** @throws TypeError when it is no mirror of this space */
function mirrorOf(space: SpaceState, candidate: object): SpaceMirror {
  for (const mirror of space.mirrors) if (mirror === candidate) return mirror;
  throw new TypeError('advice names something that is not an attached mirror of this space');
}
