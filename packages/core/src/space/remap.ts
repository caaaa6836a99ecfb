import { type AddressRange, checkAddress, hex } from '../address/index.js';
import { MirrorError } from '../driver/index.js';
import { changeRanges } from './entries.js';
import { findAddress } from './map.js';
import type { MemoryObject } from './memory-object.js';
import type { Region, RegionOwner } from './region.js';
import type { SpaceState } from './state.js';
import { isolate, takeOut } from './unmap.js';
import { releaseObjects } from './release.js';

const NONE: AddressRange = { start: 0, end: 0 };

/** Where and how large a mapping is to be. */
export interface RemapOptions {
  /** New length in bytes, 1 to 2^47; rounded up to whole pages. Default: as before. */
  readonly bytes?: number;
  /** Demands this start address, a multiple of the page size outside the old range; what is mapped there is replaced. */
  readonly address?: number;
}

/**
 * Grows, shrinks or moves the mapping of a page range that lies in one region; contents move with it, nothing is copied.
 * Without an address it grows in place where there is room, else it moves. Resolves when no device uses the old addresses.
 * @throws MirrorError `ADDRESS_NOT_MAPPED`, `INVALID_ARGUMENT` when the range spans regions, `OUT_OF_ADDRESS_SPACE`, `BUSY` when a
 *   notifier changed what was to be moved; or what a notifier throws; nothing is changed then
 */
export async function remapRange(
  space: SpaceState,
  owner: RegionOwner,
  start: number,
  end: number,
  options: RemapOptions,
): Promise<Region> {
  const bytes = options.bytes === undefined ? end - start : space.pageRange(0, options.bytes).end;
  space.checkMapped(start, end);
  const whole = space.regions.at(start)!;
  if (whole.end < end) {
    throw new MirrorError(
      'INVALID_ARGUMENT',
      `remap works on one region; a part of the range ends at ${hex(whole.end)}`,
      { address: whole.end },
    );
  }
  checkObjectReaches(space, whole, start, bytes);
  const target = options.address === undefined ? undefined : checkTarget(space, start, end, options.address, bytes);
  const inPlace = target === undefined && fitsInPlace(space, start, end, bytes);
  const to = target ?? (inPlace ? start : findAddress(space, bytes, undefined));
  // What changes: what is replaced, and the old place or the part that it loses.
  const ranges: AddressRange[] = [];
  if (target !== undefined && space.regions.overlapping(target, target + bytes).length > 0)
    ranges.push({ start: target, end: target + bytes });
  const from = inPlace ? start + bytes : start;
  if (from < end) ranges.push({ start: from, end });
  const released: MemoryObject[] = [];
  const region = changeRanges(space.notifiers, 'unmap', ranges, () => {
    checkUnchanged(
      space,
      whole,
      start,
      end,
      target === undefined ? { start: inPlace ? end : to, end: to + bytes } : NONE,
    );
    if (target !== undefined) released.push(...takeOut(space, owner, target, target + bytes));
    const part = isolate(space, owner, start, end)[0]!;
    if (bytes < end - start) released.push(...takeOut(space, owner, start + bytes, end));
    if (inPlace) space.regions.resize(part, start, start + bytes);
    else move(space, part, to, bytes);
    return part;
  });
  space.store.announce();
  await releaseObjects(space, released);
  return region;
}

/** Whoever was told may have changed anything. @throws MirrorError `BUSY` where a range is not one region's any more, or the room not free */
function checkUnchanged(space: SpaceState, whole: Region, start: number, end: number, room: AddressRange): void {
  const taken = room.start < room.end && space.regions.overlapping(room.start, room.end).length > 0;
  if (!taken && !whole.closed && whole.start <= start && end <= whole.end) return;
  throw new MirrorError(
    'BUSY',
    `the range was unmapped, moved or split, or its new place taken, by a notifier that was told of the move; nothing was moved`,
    { address: start },
  );
}

/** Moves a region and its entries; an invalidation of its old place has begun. */
function move(space: SpaceState, region: Region, to: number, bytes: number): void {
  const { store, base } = space;
  const from = region.start;
  const keys = store.keysWithin(base + space.pageOf(from), base + space.pageOf(region.end));
  const shift = space.pageOf(to) - space.pageOf(from);
  for (const key of keys) {
    // The new entry first: a page without any would die.
    store.copyEntry(key, key + shift);
    store.clearEntry(key);
  }
  for (const key of store.written.within(base + space.pageOf(from), base + space.pageOf(region.end)))
    store.written.note(key + shift);
  store.written.forget(base + space.pageOf(from), base + space.pageOf(region.end));
  space.regions.resize(region, to, to + bytes);
}

function fitsInPlace(space: SpaceState, start: number, end: number, bytes: number): boolean {
  if (start + bytes <= end) return true;
  return start + bytes <= space.limit && space.regions.overlapping(end, start + bytes).length === 0;
}

function checkTarget(space: SpaceState, start: number, end: number, address: number, bytes: number): number {
  checkAddress(address);
  if (address % space.pageSize !== 0)
    throw new RangeError(`address must be a multiple of ${space.pageSize}, got ${hex(address)}`);
  if (address === 0) throw new RangeError('address 0 is never mapped, so that null pointers fault');
  if (address + bytes > space.limit) throw new RangeError(`${bytes} bytes at ${hex(address)} leave the space`);
  if (address < end && start < address + bytes) throw new RangeError('the new range must not overlap the old one');
  return address;
}

function checkObjectReaches(space: SpaceState, region: Region, start: number, bytes: number): void {
  const { source, live } = region.object ?? {};
  const end = (region.objectPage + space.pageOf(start - region.start)) * space.pageSize + bytes;
  if (live !== undefined && end > live.count * space.pageSize) {
    throw new RangeError(
      `${bytes} bytes reach beyond a live region, which stays as long as it was mapped: map another, or map with live: false`,
    );
  }
  if (source !== undefined && end > Math.ceil(source.size / space.pageSize) * space.pageSize)
    throw new RangeError(`${bytes} bytes reach beyond the source's ${source.size} bytes`);
}
