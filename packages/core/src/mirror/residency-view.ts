import { PAGE_LOST, PAGE_OWNED, slotAt } from '../space/index.js';
import type { MirrorState } from './mirror-state.js';

/** Bit of `mirror.residency()`: the host has the current content. */
export const RESIDENT_HOST = 1;
/** Bit of `mirror.residency()`: the device has a copy. */
export const RESIDENT_DEVICE = 2;
/** Bit of `mirror.residency()`: the device owns the page and may write it. */
export const RESIDENT_WRITABLE = 4;

/** Bit of `mirror.residency()`: the content is in the swap store. */
export const RESIDENT_SWAPPED = 8;

/** Bit of `mirror.residency()`: it is what core asked the device for last; the device does not say where the page is. */
export const RESIDENT_ASSUMED = 16;

/** Where the pages of a page range are: a byte of `RESIDENT_*` bits a page; 0 for a page nobody has touched. */
export function viewResidency(mirror: MirrorState, start: number, end: number): Uint8Array {
  const { space, residency } = mirror;
  const { store, base } = space;
  const mine = 1 << residency.bit;
  const first = space.pageOf(start);
  const result = new Uint8Array(space.pageOf(end) - first);
  for (let i = 0; i < result.length; i++) {
    const page = store.lookup(base + first + i);
    if (page < 0) {
      if (slotAt(space, first + i) >= 0) result[i] = RESIDENT_SWAPPED;
      continue;
    }
    const owned = store.any(page, PAGE_OWNED);
    const here = (store.devicesOf(page) & mine) !== 0;
    const atHome = !owned && !store.any(page, PAGE_LOST);
    result[i] = (atHome ? RESIDENT_HOST : 0) | (here ? RESIDENT_DEVICE : 0) | (here && owned ? RESIDENT_WRITABLE : 0);
  }
  return result;
}
