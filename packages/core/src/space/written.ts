import { IdList } from '../address/index.js';
import { slotOf } from './reclaim/swap-table.js';
import { PAGE_OWNED } from './page-state.js';
import type { SpaceState } from './state.js';

/** A run of pages, as bytes of the space. */
export interface WrittenRange {
  /** First byte address. */
  readonly start: number;
  /** End of the range, exclusive. */
  readonly end: number;
}

/** Which pages of a page range the CPU wrote since this was last asked, neighbours merged; and forgets that they were. */
export function collectWritten(space: SpaceState, start: number, end: number): WrittenRange[] {
  const { store, base, pageSize } = space;
  const { tracker } = store.host;
  const first = base + space.pageOf(start);
  const last = base + space.pageOf(end);
  const keys = store.written.within(first, last);
  store.written.forget(first, last);
  const merged = keys.length > 0;
  const slots = new IdList();
  store.table.collect(first, last, slots);
  const page = new IdList(1);
  const written = new IdList();
  for (let i = 0; i < slots.length; i++) {
    const slot = slots.items[i]!;
    const found = (store.table.entry(slot) | 0) - 1;
    if (found < 0) {
      if (!store.swap!.isWritten(slotOf(found))) continue;
      store.swap!.setWritten(slotOf(found), false);
    } else {
      page.clear();
      page.push(found);
      written.clear();
      if (tracker.collect(page, written) === 0) continue;
      // Nobody else hears of plain stores that were found out by this.
      if (store.live !== undefined && !store.any(found, PAGE_OWNED)) store.refreshCopies(found);
    }
    keys.push(store.table.pageOfSlot(slot));
  }
  if (merged) keys.sort((a, b) => a - b);
  const ranges: { start: number; end: number }[] = [];
  for (const key of keys) {
    const at = (key - base) * pageSize;
    const before = ranges[ranges.length - 1];
    // An entry may be there twice: written, merged, written again.
    if (before !== undefined && before.end >= at) before.end = at + pageSize;
    else ranges.push({ start: at, end: at + pageSize });
  }
  return ranges;
}
