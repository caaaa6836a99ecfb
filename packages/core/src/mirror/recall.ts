import { HOST } from '../policy/index.js';
import {
  PAGE_CACHED,
  PAGE_DEAD,
  PAGE_DIRTY,
  PAGE_LOST,
  PAGE_OWNED,
  PAGE_ZERO,
  type RecallMode,
} from '../space/index.js';
import { depart, settleDepartures } from './departure.js';
import { collectGarbage, freeGarbage } from './flush.js';
import { keepStale } from './live-stores.js';
import type { PoolState } from './pool-state.js';
import { reportRecall } from './reports.js';
import type { Residency } from './residency.js';

/** Most pages called home by one submission. */
const CHUNK = 1024;

/**
 * Calls locked pages home; see `DevicePages.recall`. Where the device is lost, what it had a copy of is at home.
 * @throws MirrorError why the device is gone, where it took one of the pages along
 */
export async function recallFrom(
  pool: PoolState,
  residency: Residency,
  pages: Uint32Array,
  count: number,
  mode: RecallMode,
): Promise<void> {
  for (let from = 0; from < count; from += CHUNK) {
    if (pool.lostError !== undefined) break;
    const chunk = pages.subarray(from, Math.min(count, from + CHUNK));
    const waiting = recallChunk(pool, residency, chunk, mode);
    if (waiting !== undefined) await waiting;
  }
  if (pool.lostError === undefined) return;
  for (let i = 0; i < count; i++) if (residency.store.any(pages[i]!, PAGE_LOST)) pool.checkNotLost();
}

function recallChunk(
  pool: PoolState,
  residency: Residency,
  pages: Uint32Array,
  mode: RecallMode,
): Promise<void> | undefined {
  const mirror = pool.someMirror(residency);
  // Its last mirror is leaving, after everything else did.
  if (mirror === undefined) return undefined;
  const garbage = collectGarbage(pool);
  const since = pool.device.now();
  if (pool.mirrors.some(({ recorder }) => recorder !== undefined)) record(pool, residency, pages, mode);
  for (let i = 0; i < pages.length; i++) {
    if (residency.frame(pages[i]!) < 0) continue;
    depart(pool, residency, pages[i]!, mode);
    noteRecall(pool, residency, pages[i]!, since);
    mirror.stats.recalls++;
  }
  return pool.send('recall', undefined, (parts, away, incoming) => {
    if (away !== undefined) return;
    if (incoming !== undefined) keepStale(parts);
    for (const part of parts) settleDepartures(part.mirror, part.batch);
    freeGarbage(pool, garbage);
    reportRecall(pool, mirror, pages.length, mode !== 'clean', since);
    if (mode === 'drop') for (let i = 0; i < pages.length; i++) empty(residency, pages[i]!);
    if (mode !== 'clean') for (let i = 0; i < pages.length; i++) forget(pool, residency, pages[i]!);
  });
}

/** A page goes home because somebody else wants it: it may go to and fro. */
function noteRecall(pool: PoolState, residency: Residency, page: number, now: number): void {
  const key = residency.store.onlyKeyOf(page);
  const mirror = key < 0 ? undefined : pool.mirrorAt(residency, key);
  mirror?.noteMove(key - mirror.space.base, HOST, now);
}

/** Tells the recorders of the mirrors in whose spaces the pages are. */
function record(pool: PoolState, residency: Residency, pages: Uint32Array, mode: RecallMode): void {
  const { store } = residency;
  for (const page of pages) {
    if (residency.frame(page) < 0) continue;
    for (let i = 0; i < store.mapCount(page); i++) {
      const key = store.mappingKey(page, i);
      const mirror = pool.mirrorAt(residency, key);
      mirror?.recorder?.wanted(key - mirror.space.base, mode !== 'clean');
    }
  }
}

/** What the device alone had is gone: the page is zeros before anybody can see the stale bytes on the host. */
function empty(residency: Residency, page: number): void {
  const { store } = residency;
  const state = store.stateOf(page);
  if (residency.frame(page) < 0 || (state & (PAGE_OWNED | PAGE_DEAD)) !== PAGE_OWNED) return;
  if ((state & PAGE_ZERO) === 0) store.clear(page);
  if ((state & PAGE_CACHED) !== 0) store.mark(page, PAGE_DIRTY);
}

function forget(pool: PoolState, residency: Residency, page: number): void {
  const frame = residency.frame(page);
  if (frame < 0) return;
  residency.leave(page);
  pool.frames.give(frame);
}
