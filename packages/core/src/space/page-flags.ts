import {
  PAGE_ACCESSED,
  PAGE_CACHED,
  PAGE_DIRTY,
  PAGE_HELD,
  PAGE_LOCKED,
  PAGE_LOST,
  PAGE_OWNED,
  PAGE_WRITTEN,
  PAGE_ZERO,
} from './page-state.js';
import { slotAt } from './reclaim/bring-back.js';
import type { SpaceState } from './state.js';

/** Bit of `space.pageFlags`: host memory has a frame for the page. */
export const FLAG_PRESENT = 1;
/** Bit of `space.pageFlags`: its content is all zeros. */
export const FLAG_ZERO = 2;
/** Bit of `space.pageFlags`: it belongs to a file or to shared memory. */
export const FLAG_CACHED = 4;
/**
 * Bit of `space.pageFlags`: what is kept behind it is older: a page of a file differs from its file, and `space.sync` writes it; an
 * anonymous page was written by the device that owns it, as a harvest or a change of its entries told, and host memory gets it when it
 * leaves the device. Stores of a device that nobody asked for their dirty bits do not show.
 */
export const FLAG_DIRTY = 8;
/**
 * Bit of `space.pageFlags`: a device accessed it, as a harvest found or `mirror.markAccessed` said, since reclaim or the aging of a device
 * last looked at the page. A look clears it, and what it harvests sets it again: a page that stays without it is cold.
 */
export const FLAG_ACCESSED = 16;
/** Bit of `space.pageFlags`, the page flag of the 2014 RFC: in use by a device. `space.devicesWith` says which. */
export const FLAG_IN_USE = 32;
/** Bit of `space.pageFlags`: a device owns it, and host bytes may be stale. */
export const FLAG_OWNED = 64;
/** Bit of `space.pageFlags`: it is being copied or changing owner. */
export const FLAG_LOCKED = 128;
/** Bit of `space.pageFlags`: the CPU holds it. */
export const FLAG_HELD = 256;
/** Bit of `space.pageFlags`: several entries map it (fork, merging, shared memory). */
export const FLAG_SHARED = 512;
/** Bit of `space.pageFlags`: its content is in the swap store. */
export const FLAG_SWAPPED = 1024;
/** Bit of `space.pageFlags`: it existed only on a device that was lost. */
export const FLAG_LOST = 2048;

/** What a page has that a device is known to have written, and that is not home. */
const WRITTEN_AWAY = PAGE_OWNED | PAGE_WRITTEN;

const BY_STATE: readonly (readonly [state: number, flag: number])[] = [
  [PAGE_ZERO, FLAG_ZERO],
  [PAGE_CACHED, FLAG_CACHED],
  [PAGE_DIRTY, FLAG_DIRTY],
  [PAGE_ACCESSED, FLAG_ACCESSED],
  [PAGE_OWNED, FLAG_OWNED],
  [PAGE_LOCKED, FLAG_LOCKED],
  [PAGE_HELD, FLAG_HELD],
  [PAGE_LOST, FLAG_LOST],
];

/** What is known of the pages of a page range, `FLAG_*` bits a page. */
export function pageFlags(space: SpaceState, start: number, end: number): Uint16Array {
  const first = space.pageOf(start);
  return Uint16Array.from({ length: space.pageOf(end) - first }, (_none, i) => flagsOf(space, first + i));
}

/** Names of the devices that hold what a page number shows. */
export function devicesWith({ store, base }: SpaceState, page: number): string[] {
  const found = store.lookup(base + page);
  return found < 0 ? [] : store.devicesWith(found).map((device) => device.name);
}

function flagsOf(space: SpaceState, pageNumber: number): number {
  const { store, base } = space;
  const page = store.lookup(base + pageNumber);
  if (page < 0) return slotAt(space, pageNumber) >= 0 ? FLAG_SWAPPED : 0;
  const state = store.stateOf(page);
  let flags = FLAG_PRESENT;
  for (const [bits, flag] of BY_STATE) if ((state & bits) !== 0) flags |= flag;
  if ((state & WRITTEN_AWAY) === WRITTEN_AWAY) flags |= FLAG_DIRTY;
  if (store.devicesOf(page) !== 0) flags |= FLAG_IN_USE;
  return store.mapCount(page) > 1 ? flags | FLAG_SHARED : flags;
}
