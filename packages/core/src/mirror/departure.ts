import { BIT_ACCESSED, BIT_DIRTY, PTE_READ } from '../driver/index.js';
import {
  PAGE_CACHED,
  PAGE_DEAD,
  PAGE_DIRTY,
  PAGE_OWNED,
  PAGE_WRITTEN,
  PAGE_ZERO,
  type RecallMode,
} from '../space/index.js';
import type { MirrorState } from './mirror-state.js';
import type { PageMoves } from './page-moves.js';
import type { PagingBatch } from './paging-batch.js';
import type { PoolState } from './pool-state.js';
import type { Residency } from './residency.js';

/**
 * Collects the departure of a resident, locked page: its entries go, and its content comes home if this device owns it
 * (not for `drop`, nor for a dead page). `clean` leaves a copy that can be read.
 */
export function depart(pool: PoolState, residency: Residency, page: number, mode: RecallMode): void {
  const { store } = residency;
  const state = store.stateOf(page);
  const owned = (state & PAGE_OWNED) !== 0;
  const content = owned && mode !== 'drop' && (state & PAGE_DEAD) === 0;
  if (mode === 'clean' && !owned) return;
  const frame = residency.frame(page);
  const mappings = store.mapCount(page);
  if (mappings === 1 && (state & PAGE_WRITTEN) === 0) {
    const key = store.mappingKey(page, 0);
    const mirror = pool.mirrorAt(residency, key);
    if (mirror !== undefined) {
      const batch = pool.batchOf(mirror);
      const number = key - mirror.space.base;
      if (content && mode === 'clean') batch.clean.push(number, frame, page, PTE_READ);
      else {
        const ahead = pool.tellsUse ? pool.frames.ahead[frame]! : 0;
        const list = content ? batch.leave : ahead === 0 ? batch.drop : batch.look;
        list.push(number, frame, page, ahead);
      }
      return;
    }
  }
  for (let i = 0; i < mappings; i++) {
    const key = store.mappingKey(page, i);
    const mirror = pool.mirrorAt(residency, key);
    if (mirror !== undefined) pool.batchOf(mirror).drop.push(key - mirror.space.base, frame, page, 0);
  }
  // A page that stays for reading has lost its entry, too: the next access makes it anew.
  residency.uninstall(page);
  if (content) pool.batchOf(pool.someMirror(residency)!).force.push(0, frame, page, 0);
}

/** Takes note of what a batch of departures brought home. Returns how many pages were dirty. */
export function settleDepartures(mirror: MirrorState, batch: PagingBatch): number {
  const { force } = batch;
  noteUse(mirror, batch.look);
  noteUse(mirror, batch.leave);
  let dirty = comeHome(mirror, batch.leave) + comeHome(mirror, batch.clean);
  for (let i = 0; i < batch.clean.length; i++) mirror.residency.cleaned(batch.clean.frames[i]!);
  for (let i = 0; i < force.length; i++) arrive(mirror, force.hosts[i]!, true);
  dirty += force.length;
  const { trace, pageSize } = mirror.space;
  const counters = trace.counters.of(pageSize);
  counters.pagesOut += dirty;
  counters.bytesOut += dirty * pageSize;
  batch.home = dirty;
  return dirty;
}

/** Takes note whether pages that were brought ahead, and have left, were used. */
function noteUse(mirror: MirrorState, { codes, bits, pages, length }: PageMoves): void {
  for (let i = 0; i < length; i++)
    if (codes[i] !== 0) mirror.noteUse(pages[i]!, (bits[i]! & BIT_ACCESSED) !== 0, codes[i]!);
}

function comeHome(mirror: MirrorState, list: PageMoves): number {
  let dirty = 0;
  for (let i = 0; i < list.length; i++) {
    const written = (list.bits[i]! & BIT_DIRTY) !== 0;
    if (written) dirty++;
    arrive(mirror, list.hosts[i]!, written);
  }
  return dirty;
}

function arrive(mirror: MirrorState, page: number, written: boolean): void {
  const { store } = mirror.space;
  store.unmark(page, PAGE_OWNED | PAGE_WRITTEN | (written ? PAGE_ZERO : 0));
  store.cameHome(page);
  mirror.residency.noteDeparture(page);
  if (!written) return;
  if (store.any(page, PAGE_CACHED)) store.mark(page, PAGE_DIRTY);
  mirror.stats.pagesOut++;
  mirror.stats.bytesOut += store.host.pageSize;
}
