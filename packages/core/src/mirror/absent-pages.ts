import { allows, PAGE_OWNED, type Region } from '../space/index.js';
import type { DevicePool } from './device-pool.js';
import type { MirrorState } from './mirror-state.js';

/** Pages of a range that a device lacks, or may not write; some may be there after all. */
export interface Absent {
  /** Page numbers, ascending; only the first `count`. */
  readonly pages: Float64Array;
  readonly count: number;
  /** The end of what was looked at: there is no other before it. */
  readonly end: number;
  /** Departures until then, and changes of entries. */
  readonly departures: number;
  readonly changes: number;
}

/** The first pages of a range that the device lacks, `most` at most. Passes quickly over those that it has. */
export function findAbsent(mirror: MirrorState, from: number, last: number, most: number, write: boolean): Absent {
  const { space, residency, absentees } = mirror;
  const { store, base } = space;
  const states = write ? PAGE_OWNED : 0;
  residency.departures.watched = true;
  const departures = residency.departures.count;
  const { changes } = absentees;
  const known = absentees.candidates(base + from, base + last, states, residency.departures);
  if (known !== undefined && known.length <= most) {
    const { length } = known;
    const pages = new Float64Array(length);
    for (let i = 0; i < length; i++) pages[i] = known[i]! - base;
    return { pages, count: length, end: last, departures, changes };
  }
  const next = (page: number) => store.nextWithout(base + page, base + last, residency.bit, states) - base;
  const pages = new Float64Array(Math.min(most, last - from));
  let count = 0;
  let end = next(from);
  for (; end < last && count < most; end = next(end + 1)) pages[count++] = end;
  return { pages, count, end, departures, changes };
}

/** Remembers that a range, looked through as a whole, lacks nothing but what was refused; not if entries changed meanwhile. */
export function remember(
  { space, absentees }: MirrorState,
  from: number,
  { end, departures, changes }: Absent,
  refused: readonly number[],
  write: boolean,
): void {
  if (changes !== absentees.changes) return;
  const { base } = space;
  const keys = Float64Array.from(refused, (page) => base + page);
  absentees.remember(base + from, base + end, write ? PAGE_OWNED : 0, keys, departures);
}

/** What became of pages that were offered. */
export interface Offered {
  /** How many are wanted. */
  readonly count: number;
  /** Page numbers of those that are not and that the device lacks. */
  readonly refused: readonly number[];
}

/** Offers pages, of which `room` at most are wanted. */
export function offer(
  pool: DevicePool,
  mirror: MirrorState,
  { pages, count }: Absent,
  write: boolean,
  room: number,
): Offered {
  const { space, residency } = mirror;
  const { regions, pageSize, store, base } = space;
  const { admit } = pool.faults;
  const refused: number[] = [];
  const contents = new Int32Array(count);
  store.lookupAll(base, pages, count, contents);
  store.readAheadOf(contents, count);
  residency.readAheadOf(contents, count);
  let region: Region | undefined;
  let wanted = 0;
  for (let i = 0; i < count; i++) {
    const page = pages[i]!;
    const address = page * pageSize;
    if (region === undefined || region.closed || address < region.start || address >= region.end)
      region = regions.at(address);
    const taken =
      wanted < room &&
      region !== undefined &&
      admit.offer(mirror, region, page, write && allows(region.access, true), contents[i]);
    if (taken) wanted++;
    else if (store.nextWithout(base + page, base + page + 1, residency.bit, write ? PAGE_OWNED : 0) === base + page)
      refused.push(page);
  }
  return { count: wanted, refused };
}
