import type { RecallMode } from '../space/index.js';
import { depart, settleDepartures } from './departure.js';
import { collectGarbage, freeGarbage } from './flush.js';
import type { PoolState } from './pool-state.js';
import { reportRecall } from './reports.js';
import type { Residency } from './residency.js';

/** Most pages called home by one submission. */
const CHUNK = 1024;

/** Calls locked pages home; see `DevicePages.recall`. */
export async function recallFrom(
  pool: PoolState,
  residency: Residency,
  pages: Uint32Array,
  count: number,
  mode: RecallMode,
): Promise<void> {
  for (let from = 0; from < count; from += CHUNK) {
    pool.checkNotLost();
    const chunk = pages.subarray(from, Math.min(count, from + CHUNK));
    const waiting = recallChunk(pool, residency, chunk, mode);
    if (waiting !== undefined) await waiting;
    pool.checkNotLost();
  }
}

function recallChunk(
  pool: PoolState,
  residency: Residency,
  pages: Uint32Array,
  mode: RecallMode,
): Promise<void> | undefined {
  const garbage = collectGarbage(pool);
  const since = pool.device.now();
  for (let i = 0; i < pages.length; i++) {
    if (residency.frame(pages[i]!) < 0) continue;
    depart(pool, residency, pages[i]!, mode);
    pool.someMirror(residency).stats.recalls++;
  }
  return pool.send(undefined, (parts, away) => {
    if (away !== undefined) return;
    for (const { mirror, batch } of parts) settleDepartures(mirror, batch);
    freeGarbage(pool, garbage);
    reportRecall(pool, pool.someMirror(residency), pages.length, mode !== 'clean', since);
    if (mode !== 'clean') for (let i = 0; i < pages.length; i++) forget(pool, residency, pages[i]!);
  });
}

function forget(pool: PoolState, residency: Residency, page: number): void {
  const frame = residency.frame(page);
  if (frame < 0) return;
  residency.leave(page);
  pool.frames.give(frame);
}
