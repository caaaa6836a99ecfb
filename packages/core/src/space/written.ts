import { IdList } from '../address/index.js';
import { slotOf } from './reclaim/swap-table.js';
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
  const { store, base } = space;
  const { tracker } = store.host;
  const slots = new IdList();
  store.table.collect(base + space.pageOf(start), base + space.pageOf(end), slots);
  const page = new IdList(1);
  const written = new IdList();
  const ranges: { start: number; end: number }[] = [];
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
    }
    const at = (store.table.pageOfSlot(slot) - base) * space.pageSize;
    const last = ranges[ranges.length - 1];
    if (last !== undefined && last.end === at) last.end = at + space.pageSize;
    else ranges.push({ start: at, end: at + space.pageSize });
  }
  return ranges;
}
