import { changeRanges } from './entries.js';
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
  checkRange(space, start, end, access);
  const shrinks = space.regions
    .overlapping(start, end)
    .some(
      (region) =>
        (allows(region.access, true) && !allows(access, true)) ||
        (allows(region.access, false) && !allows(access, false)),
    );
  changeRanges(space.notifiers, 'protection', shrinks ? [{ start, end }] : [], () => {
    checkRange(space, start, end, access);
    for (const region of isolate(space, owner, start, end)) region.access = access;
  });
  space.store.announce();
  if (shrinks) await space.flush();
}

/** @throws MirrorError `ADDRESS_NOT_MAPPED`, `INVALID_ARGUMENT` */
function checkRange(space: SpaceState, start: number, end: number, access: RegionAccess): void {
  space.checkMapped(start, end);
  for (const region of space.regions.overlapping(start, end)) {
    if (region.object?.source !== undefined) checkWritable(region.object.source, region.shared, access);
  }
}
