import { changeEntries, keysOf, mapsStill } from './entries.js';
import { HOST_MIGRATION, type HostMigrationPolicy } from './host-migration.js';
import {
  PAGE_CACHED,
  PAGE_DEAD,
  PAGE_HELD,
  PAGE_IN_SOURCE,
  PAGE_LIVE,
  PAGE_LOCKED,
  PAGE_OWNED,
  PAGE_USED,
  PAGE_ZERO,
} from './page-state.js';
import type { PageStore } from './page-store.js';

/**
 * How an attempt to move a page ended: `moved`; `gone`, there is no such page; `busy`, it is locked, held or about to die, and may be
 * free later; `refused`, the policy keeps it; `full`, there is no frame for it.
 */
export type MoveOutcome = 'moved' | 'gone' | 'busy' | 'refused' | 'full';

/** Where a page is to go. */
export interface MoveTarget {
  /**
   * Asked when nothing else stands in the way any more: a host frame that nobody uses, with storage where that is asked for, or -1.
   * @throws MirrorError `OUT_OF_HOST_MEMORY`; nothing is taken then
   */
  take(needsStorage: boolean): number;
}

/** What keeps a page where it is, `locked` pages being locked by the caller; `moved`: nothing. */
function verdict(store: PageStore, page: number, policy: HostMigrationPolicy, locked: boolean): MoveOutcome {
  const state = store.stateOf(page);
  if ((state & PAGE_USED) === 0) return 'gone';
  if ((state & (PAGE_LIVE | PAGE_IN_SOURCE)) !== 0) return 'refused';
  if ((state & (PAGE_DEAD | PAGE_HELD)) !== 0 || ((state & PAGE_LOCKED) !== 0 && !locked)) return 'busy';
  // Taken for something that is not ready yet.
  if ((state & PAGE_CACHED) === 0 && store.mapCount(page) === 0) return 'busy';
  if (store.devicesOf(page) === 0 || policy === 'migrate') return 'moved';
  return policy === 'forbid' ? 'refused' : 'busy';
}

/**
 * Moves a page to another host frame, whose number is the page's from then on, wherever it is written down. Synchronous; entries
 * change between the begin and the end of a `migrate` invalidation.
 * @throws what a notifier throws; MirrorError `OUT_OF_HOST_MEMORY` where the engine has no memory for the frame; nothing is changed then
 */
export function movePage(
  store: PageStore,
  page: number,
  target: MoveTarget,
  policy: HostMigrationPolicy,
  locked: boolean,
): MoveOutcome {
  let outcome = verdict(store, page, policy, locked);
  if (outcome !== 'moved') return outcome;
  const keys = keysOf(store, page);
  const change = () => {
    // A notifier can do anything, to this page as well.
    outcome = mapsStill(store, page, keys) ? verdict(store, page, policy, locked) : 'busy';
    if (outcome !== 'moved') return;
    // What a device may write must have a place to come home to.
    const to = target.take(!store.any(page, PAGE_ZERO) || store.any(page, PAGE_OWNED));
    if (to < 0) outcome = 'full';
    else transfer(store, page, to);
  };
  changeEntries(store, keys, 'migrate', change, HOST_MIGRATION);
  return outcome;
}

function transfer(store: PageStore, page: number, to: number): void {
  const { host } = store;
  // Also of a page that a device owns: if it never writes, nothing is sent home, and these bytes are the content again.
  if (!store.any(page, PAGE_ZERO)) {
    const offset = host.offsetOf(page);
    host.bufferOf(to).set(host.bufferOf(page).subarray(offset, offset + host.pageSize), host.offsetOf(to));
  }
  if (host.tracker.written(page)) host.tracker.note(to, 1);
  store.renumber(page, to);
}
