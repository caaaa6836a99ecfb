import { changeRanges } from './entries.js';
import type { HostSpace } from './host-state.js';
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
  if (space.regions.overlapping(start, end).length === 0) return [];
  const released = changeRanges(space.notifiers, 'unmap', [{ start, end }], () => takeOut(space, owner, start, end));
  space.store.announce();
  return released;
}

/** Unmaps everything as the space ends, whatever notifiers throw, which is added to `thrown`; see {@link unmapSync}. */
export function unmapAll(space: SpaceState, owner: RegionOwner, thrown: unknown[]): MemoryObject[] {
  const { notifiers, regions, limit } = space;
  notifiers.beginRegardless('release', 0, limit, thrown);
  if (regions.size > 0) {
    notifiers.beginRegardless('unmap', 0, limit, thrown);
    notifiers.end();
  }
  const released = takeOut(space, owner, 0, limit);
  notifiers.end();
  space.store.announce();
  return released;
}

/** Takes a page range, of which an invalidation has begun, out of the CPU page table; returns the objects that lost a region. */
export function takeOut(space: SpaceState, owner: RegionOwner, start: number, end: number): MemoryObject[] {
  const released: MemoryObject[] = [];
  zap(space, start, end);
  for (const region of space.regions.overlapping(start, end)) cut(space, owner, region, start, end, released);
  return released;
}

/** Unmaps a page range; resolves when no device can reach it any more and what files must get is written. */
export async function unmapRange(space: SpaceState, owner: RegionOwner, start: number, end: number): Promise<void> {
  const objects = unmapSync(space, owner, start, end);
  await releaseObjects(space, objects);
}

/** Removes the entries of a page range; the caller has begun an invalidation of it. */
export function zap(space: HostSpace, start: number, end: number): void {
  const { base, scratch } = space;
  const { store } = space.host;
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
