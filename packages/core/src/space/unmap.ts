import type { MemoryObject } from './memory-object.js';
import { releaseObjects } from './release.js';
import { remainder } from './overlap.js';
import { Region, type RegionOwner } from './region.js';
import type { SpaceState } from './state.js';

/**
 * Takes a page range out of the CPU page table and tells the notifiers, synchronously (R4). Devices still hold it until the
 * next flush. Returns the objects that lost a region: release them after the flush.
 */
export function unmapSync(space: SpaceState, owner: RegionOwner, start: number, end: number): MemoryObject[] {
  const released: MemoryObject[] = [];
  const hit = space.regions.overlapping(start, end);
  if (hit.length === 0) return released;
  space.notifiers.begin('unmap', start, end);
  zap(space, start, end);
  for (const region of hit) cut(space, owner, region, start, end, released);
  space.notifiers.end();
  space.store.announce();
  return released;
}

/** Unmaps a page range; resolves when no device can reach it any more and what files must get is written. */
export async function unmapRange(space: SpaceState, owner: RegionOwner, start: number, end: number): Promise<void> {
  const objects = unmapSync(space, owner, start, end);
  await releaseObjects(space, objects);
}

/** Removes the entries of a page range; the caller has begun an invalidation of it. */
export function zap(space: SpaceState, start: number, end: number): void {
  const { store, base, scratch } = space;
  scratch.clear();
  store.table.collect(base + space.pageOf(start), base + space.pageOf(end), scratch);
  for (let i = 0; i < scratch.length; i++) {
    const slot = scratch.items[i]!;
    store.clearEntry(store.table.pageOfSlot(slot));
  }
  store.written.forget(base + space.pageOf(start), base + space.pageOf(end));
}

/** Cuts `[start, end)` out of a region's bounds. */
function cut(
  space: SpaceState,
  owner: RegionOwner,
  region: Region,
  start: number,
  end: number,
  released: MemoryObject[],
): void {
  const { before, after } = remainder(region, start, end);
  if (before === undefined && after === undefined) {
    space.regions.remove(region);
    region.closed = true;
    if (region.object !== undefined) released.push(region.object);
    return;
  }
  if (before !== undefined && after !== undefined)
    space.regions.insert(tail(space, owner, region, after.start, after.end));
  if (before !== undefined) space.regions.resize(region, before.start, before.end);
  else moveStart(space, region, after!.start);
}

/** A region of its own for `[start, end)` of another one, with the same contents, rights and advice. */
function tail(space: SpaceState, owner: RegionOwner, region: Region, start: number, end: number): Region {
  region.object?.retain();
  return new Region(owner, {
    start,
    end,
    access: region.access,
    shared: region.shared,
    object: region.object,
    objectPage: region.objectPage + space.pageOf(start - region.start),
    name: region.name,
    advice: region.advice,
  });
}

function moveStart(space: SpaceState, region: Region, start: number): void {
  region.objectPage += space.pageOf(start - region.start);
  space.regions.resize(region, start, region.end);
}

/** Splits regions so that `[start, end)` begins and ends between regions, and returns the regions inside. Contents stay mapped. */
export function isolate(space: SpaceState, owner: RegionOwner, start: number, end: number): Region[] {
  splitAt(space, owner, start);
  splitAt(space, owner, end);
  return space.regions.overlapping(start, end);
}

function splitAt(space: SpaceState, owner: RegionOwner, address: number): void {
  const region = space.regions.at(address);
  if (region === undefined || region.start === address) return;
  const rest = tail(space, owner, region, address, region.end);
  space.regions.resize(region, region.start, address);
  space.regions.insert(rest);
}
