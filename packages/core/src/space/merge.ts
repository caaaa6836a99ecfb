import { IdList } from '../address/index.js';
import { nextTurn } from '../kit/index.js';
import { throwIfAborted } from './abort.js';
import type { HostSpace } from './host-state.js';
import { checkRangeOptions, type RangeOptions } from './range-options.js';
import type { Region } from './region.js';
import { isMergeable, SamePages } from './same-pages.js';
import type { SpaceState } from './state.js';

/** Bytes read without giving way to the event loop; a millisecond or so. */
const SLICE_BYTES = 1 << 20;
/** Page numbers whose entries are collected at once. */
const WINDOW_PAGES = 1 << 16;
/** What collecting costs where there is nothing, as bytes read. */
const WINDOW_COST = 1 << 16;
/** What an entry costs that is passed over, as bytes read. */
const ENTRY_COST = 64;

/** What a pass of `space.merge` did. Entries are counted, of all spaces on the host memory: a page that is mapped twice counts twice. */
export interface MergeResult {
  /** Entries with private contents in mergeable regions. */
  readonly scanned: number;
  /** Entries that now share a page with others; and those of pages of zeros, which are now untouched memory. */
  readonly merged: number;
  /** Entries left alone because a device has their page, the CPU holds it, a copy is under way, it was lost, or a notifier refused. */
  readonly refused: number;
  /** Bytes of host memory given back. */
  readonly bytesSaved: number;
}

/** A range of a space that was mergeable when the pass began. */
interface Part {
  readonly space: HostSpace;
  readonly start: number;
  readonly end: number;
}

/** One pass over the mergeable regions of all spaces on the host memory of `space`. */
export async function mergePages(space: SpaceState, options: RangeOptions): Promise<MergeResult> {
  checkRangeOptions(options);
  throwIfAborted(options.signal);
  const { host } = space;
  const { pageSize } = space;
  const pass = new SamePages(host);
  const parts = Array.from(host.spaces.values(), partsOf).flat();
  const total = parts.reduce((sum, part) => sum + (part.end - part.start) / pageSize, 0);
  let left = SLICE_BYTES;
  let before = 0;
  const giveWay = async (done: number) => {
    options.onProgress?.(done, total);
    await nextTurn();
    throwIfAborted(options.signal);
    space.checkOpen();
    left = SLICE_BYTES;
  };
  // At least once a pass: one after another must not keep everybody else waiting.
  await giveWay(0);
  for (const part of parts) {
    const { base } = part.space;
    const first = base + part.start / pageSize;
    const end = base + part.end / pageSize;
    let region: Region | undefined;
    for (let from = first; from < end; from += WINDOW_PAGES) {
      if (host.spaces.get(base) !== part.space) break;
      left -= WINDOW_COST;
      for (const key of collectKeys(part.space, from, Math.min(end, from + WINDOW_PAGES))) {
        if (left <= 0) await giveWay(before + key - first);
        region = regionOf(part.space, region, (key - base) * pageSize);
        const read = region !== undefined && pass.visit(region, key);
        left -= read ? pageSize : ENTRY_COST;
      }
      if (left <= 0) await giveWay(before + Math.min(end, from + WINDOW_PAGES) - first);
    }
    before += end - first;
  }
  options.onProgress?.(total, total);
  const { scanned, merged, refused, freed } = pass;
  return { scanned, merged, refused, bytesSaved: freed * pageSize };
}

function partsOf(space: HostSpace): Part[] {
  return space.regions
    .overlapping(0, space.limit)
    .filter(isMergeable)
    .map(({ start, end }) => ({ space, start, end }));
}

/** The mergeable region of an address; `last` is where the one before was. */
function regionOf(space: HostSpace, last: Region | undefined, address: number): Region | undefined {
  const isHere = last !== undefined && !last.closed && last.start <= address && address < last.end;
  const region = isHere ? last : space.regions.at(address);
  return region !== undefined && isMergeable(region) ? region : undefined;
}

/** The keys of a range that have entries: what happens while the pass gives way may change which these are. */
function collectKeys({ host }: HostSpace, from: number, end: number): Float64Array {
  const { table } = host.store;
  const slots = new IdList();
  table.collect(from, end, slots);
  return Float64Array.from(slots.items.subarray(0, slots.length), (slot) => table.pageOfSlot(slot));
}
