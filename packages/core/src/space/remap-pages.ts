import { hex } from '../address/index.js';
import { MirrorError } from '../driver/index.js';
import { changeRanges } from './entries.js';
import { PAGE_LOCKED } from './page-state.js';
import type { Region, RegionOwner } from './region.js';
import type { RemapPagesOptions } from './remap-options.js';
import type { SpaceState } from './state.js';
import { isolate, zap } from './unmap.js';

/** A range of page numbers. */
interface Pages {
  readonly from: number;
  readonly count: number;
}

/** Rearranges pages of a region. Resolves when devices obey. */
export async function remapPages(
  space: SpaceState,
  owner: RegionOwner,
  region: Region,
  options: RemapPagesOptions,
): Promise<void> {
  const { offset, bytes, from, form = 'callback' } = options;
  checkRemapPages(space, region, options);
  const start = region.start + offset;
  const here: Pages = { from: space.pageOf(start), count: bytes / space.pageSize };
  const there: Pages = { from: space.pageOf(region.start + from), count: here.count };
  const ranges = region.object === undefined ? [here, there] : [here];
  const { end } = region;
  const change = () => {
    invalidate(space, ranges, () => {
      if (region.closed || region.start + offset !== start || region.end !== end) throw changed(region, start);
      if (region.object === undefined) exchange(space, here, there);
      else {
        zap(space, start, start + bytes);
        for (const part of isolate(space, owner, start, start + bytes))
          part.objectPage = (from + part.start - start) / space.pageSize;
      }
    });
    space.store.announce();
  };
  if (form === 'callback') change();
  else await whileNobodyTouches(space, ranges, change);
  await space.flush();
}

/** Takes the entries of ranges off all devices, and then changes them; the pages are locked from before that until after it. */
async function whileNobodyTouches(space: SpaceState, ranges: readonly Pages[], change: () => void): Promise<void> {
  const { store } = space;
  const locked = await lockAll(space, ranges);
  try {
    invalidate(space, ranges, () => undefined);
    await space.flush();
    change();
  } finally {
    for (const page of locked) store.unlock(page);
    store.announce();
  }
}

function changed(region: Region, address: number): MirrorError {
  return new MirrorError(
    region.closed ? 'CLOSED' : 'BUSY',
    `region "${region.name}" was unmapped, moved or split while its pages were to be rearranged; nothing was, try again`,
    { address },
  );
}

/** Locks the pages of ranges that exist, once nobody else has locked any of them. @throws MirrorError `DEVICE_TIMEOUT` */
async function lockAll(space: SpaceState, ranges: readonly Pages[]): Promise<Set<number>> {
  const { store, base, timeoutMs } = space;
  const pages = new Set<number>();
  const lock = () => {
    pages.clear();
    for (const { from, count } of ranges) {
      for (let number = from; number < from + count; number++) {
        const page = store.lookup(base + number);
        if (page < 0) continue;
        if (store.any(page, PAGE_LOCKED)) return false;
        pages.add(page);
      }
    }
    for (const page of pages) store.lock(page);
    return true;
  };
  if (await store.changed.until(lock, timeoutMs)) return pages;
  const address = ranges[0]!.from * space.pageSize;
  throw new MirrorError(
    'DEVICE_TIMEOUT',
    `rearranging pages at ${hex(address)} waited ${timeoutMs} ms for pages that are being copied; nothing was rearranged`,
    { address },
  );
}

/** Lets the entries of two ranges change places, whatever they say. */
function exchange(space: SpaceState, here: Pages, there: Pages): void {
  const { store, base } = space;
  // Behind the last page that a space can have.
  const spare = base + 2 ** 35 - 1;
  const move = (from: number, to: number) => {
    // The new entry first: a page without any would die.
    store.copyEntry(from, to);
    store.clearEntry(from);
  };
  for (let i = 0; i < here.count; i++) {
    move(base + here.from + i, spare);
    move(base + there.from + i, base + here.from + i);
    move(spare, base + there.from + i);
  }
  const { written } = store;
  const of = ({ from, count }: Pages) => written.within(base + from, base + from + count);
  const moved = [
    ...of(here).map((key) => key + there.from - here.from),
    ...of(there).map((key) => key + here.from - there.from),
  ];
  for (const { from, count } of [here, there]) written.forget(base + from, base + from + count);
  for (const key of moved) written.note(key);
}

function invalidate(space: SpaceState, ranges: readonly Pages[], change: () => void): void {
  const { notifiers, pageSize } = space;
  const bytes = ranges.map(({ from, count }) => ({ start: from * pageSize, end: (from + count) * pageSize }));
  changeRanges(notifiers, 'clear', bytes, change);
}

function checkRemapPages(space: SpaceState, region: Region, options: RemapPagesOptions): void {
  const { offset, bytes, from, form } = options;
  for (const [name, value] of Object.entries({ offset, bytes, from })) {
    if (typeof value !== 'number') throw new TypeError(`${name} must be a number of bytes, got ${typeof value}`);
    if (!Number.isSafeInteger(value) || value < 0 || value % space.pageSize !== 0)
      throw new RangeError(`${name} must be a multiple of ${space.pageSize} from 0, got ${value}`);
  }
  if (form !== undefined && form !== 'callback' && form !== 'unmap-flush')
    throw new TypeError(`form must be 'callback' or 'unmap-flush', got ${String(form)}`);
  if (bytes === 0 || offset + bytes > region.bytes)
    throw new RangeError(`${bytes} bytes at offset ${offset} are no part of a region of ${region.bytes} bytes`);
  const { object } = region;
  if (object === undefined) {
    if (from + bytes > region.bytes)
      throw new RangeError(`${bytes} bytes from ${from} are no part of a region of ${region.bytes} bytes`);
    if (from < offset + bytes && offset < from + bytes)
      throw new RangeError('the two ranges that change places must not overlap');
    return;
  }
  if (!region.shared) {
    throw new MirrorError(
      'INVALID_ARGUMENT',
      `region "${region.name}" has private copies of a source, which cannot be rearranged; map it with share 'shared'`,
      { address: region.start },
    );
  }
  const { source } = object;
  if (source !== undefined && from + bytes > Math.ceil(source.size / space.pageSize) * space.pageSize)
    throw new RangeError(`${bytes} bytes from ${from} reach beyond the source's ${source.size} bytes`);
}
