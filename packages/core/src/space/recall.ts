import { MirrorError } from '../driver/index.js';
import type { RecallMode } from './device-pages.js';
import { PAGE_LOCKED } from './page-state.js';
import type { PageStore } from './page-store.js';

const TIMEOUT_MS = 30_000;

/**
 * Brings home what `choose` finds, once nothing of it is locked: a copy may be under way that ends with another owner, or with
 * another page in the frame. Chooses again after each wait. Resolves to the number of pages.
 * @throws MirrorError `DEVICE_LOST`, `DEVICE_TIMEOUT`
 */
export async function recallWhenFree(
  store: PageStore,
  choose: () => Uint32Array,
  mode: RecallMode,
  except = 0,
): Promise<number> {
  for (;;) {
    const pages = choose();
    if (!pages.some((page) => store.any(page, PAGE_LOCKED))) {
      if (pages.length > 0) await recallPages(store, pages, pages.length, mode, except);
      return pages.length;
    }
    if (await store.changed.wait(TIMEOUT_MS)) continue;
    throw new MirrorError(
      'DEVICE_TIMEOUT',
      `waited ${TIMEOUT_MS} ms for pages that are being copied or changing owner`,
    );
  }
}

/**
 * Brings pages home from every device that holds them, all devices at the same time. Pages are locked meanwhile; those that
 * the caller locked stay locked. Devices whose bit is in `except` are left alone.
 * @throws MirrorError `DEVICE_LOST`, `DEVICE_TIMEOUT`
 */
export async function recallPages(
  store: PageStore,
  pages: Uint32Array,
  count: number,
  mode: RecallMode,
  except = 0,
): Promise<void> {
  let mask = 0;
  const locked: number[] = [];
  for (let i = 0; i < count; i++) {
    const page = pages[i]!;
    mask |= store.devicesOf(page) & ~except;
    if (store.any(page, PAGE_LOCKED)) continue;
    store.lock(page);
    locked.push(page);
  }
  const recalls: Promise<void>[] = [];
  for (let bit = 0; mask !== 0; bit++, mask >>= 1) {
    if ((mask & 1) === 0) continue;
    const mine = pages.subarray(0, count).filter((page) => (store.devicesOf(page) & (1 << bit)) !== 0);
    recalls.push(store.device(bit).recall(mine, mine.length, mode));
  }
  try {
    // All must end before the locks do, also when one fails.
    const results = await Promise.allSettled(recalls);
    for (const result of results) if (result.status === 'rejected') throw result.reason as Error;
  } finally {
    for (const page of locked) store.unlock(page);
    store.announce();
  }
}
