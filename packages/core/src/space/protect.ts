import { checkAccessName, checkWritable } from './map.js';
import type { RegionAccess, RegionOwner } from './region.js';
import { allows, type SpaceState } from './state.js';
import { isolate } from './unmap.js';

/**
 * Changes the rights of a page range; resolves when devices obey. Where rights shrink, devices lose their entries there.
 * @throws MirrorError `ADDRESS_NOT_MAPPED` when a part is not mapped; nothing is changed then
 */
export async function protectRange(
  space: SpaceState,
  owner: RegionOwner,
  start: number,
  end: number,
  access: RegionAccess,
): Promise<void> {
  checkAccessName(access);
  space.checkMapped(start, end);
  for (const region of space.regions.overlapping(start, end)) {
    if (region.object?.source !== undefined) checkWritable(region.object.source, region.shared, access);
  }
  let shrinks = false;
  const regions = isolate(space, owner, start, end);
  for (const region of regions) {
    shrinks ||=
      (allows(region.access, true) && !allows(access, true)) ||
      (allows(region.access, false) && !allows(access, false));
  }
  if (shrinks) space.notifiers.begin('protection', start, end);
  for (const region of regions) region.access = access;
  if (shrinks) space.notifiers.end();
  space.store.announce();
  if (shrinks) await space.flush();
}
