import { throwIfAborted } from './abort.js';
import { MirrorError } from '../driver/index.js';
import { nextTurn } from '../kit/index.js';
import { inTime } from './in-time.js';
import type { HostMigrationOptions, HostMigrationPolicy } from './host-migration.js';
import { type MoveOutcome, movePage } from './move-page.js';
import { PAGE_DEAD, PAGE_HELD, PAGE_LOCKED } from './page-state.js';
import type { PageStore } from './page-store.js';
import { recallPages } from './recall.js';
import type { SpaceState } from './state.js';

/** Bytes of pages that are moved without giving way to the event loop. */
const SLICE_BYTES = 1 << 20;
/** Times that pages are tried which somebody uses. */
const SWEEPS = 8;
/** Milliseconds that whoever uses them is given in between. */
const PAUSE_MS = 20;

/** What is to be moved: places, each with a page that may change until its turn comes. */
export interface MoveJob {
  /** Number of places. */
  readonly count: number;
  /** The page at a place; negative: none, or none that has to move. */
  pageAt(place: number): number;
  /** A host frame for it that nobody uses, with storage where that is asked for, or -1. */
  take(place: number, needsStorage: boolean): number;
}

/** What became of them. */
export interface MoveResult {
  /** Pages that have another host frame now. */
  readonly moved: number;
  /** Pages that stayed. */
  readonly refused: number;
}

/**
 * Runs a migration when no other one works on the host memory.
 * @throws MirrorError `ABORTED`, `CLOSED`, `DEVICE_TIMEOUT` when another one does not end; or what the work throws
 */
export async function alone<T>(space: SpaceState, options: HostMigrationOptions, work: () => Promise<T>): Promise<T> {
  const { store } = space;
  // Called from a notifier, it must not move what the notifier's caller is about to change.
  await nextTurn();
  while (store.moving !== undefined) {
    if (await inTime(store.moving, space.timeoutMs, options.signal)) continue;
    throw new MirrorError('DEVICE_TIMEOUT', `waited ${space.timeoutMs} ms for another migration of host pages to end`);
  }
  checkGoingOn(space, options);
  const running = work();
  store.moving = running.then(
    () => undefined,
    () => undefined,
  );
  try {
    return await running;
  } finally {
    store.moving = undefined;
  }
}

/**
 * Moves what a job says to other host frames, slice by slice, each page in one synchronous step; for use within `alone`. What somebody
 * holds or copies is tried again a few times.
 * @throws MirrorError `ABORTED`, `CLOSED`, `OUT_OF_HOST_MEMORY`, or what a notifier throws; what was moved stays where it is
 */
export async function runMoves(
  space: SpaceState,
  job: MoveJob,
  policy: HostMigrationPolicy,
  options: HostMigrationOptions,
): Promise<MoveResult> {
  const { store } = space;
  const sliceLength = Math.max(1, Math.floor(SLICE_BYTES / space.pageSize));
  const result = { moved: 0, refused: 0 };
  let places = Array.from({ length: job.count }, (_none, place) => place);
  for (let sweep = 1; places.length > 0; sweep++) {
    const busy: number[] = [];
    for (let from = 0; from < places.length; from += sliceLength) {
      checkGoingOn(space, options);
      const slice = places.slice(from, from + sliceLength);
      for (const [i, outcome] of (await moveSlice(space, job, policy, slice)).entries()) {
        if (outcome === 'moved') result.moved++;
        else if (outcome === 'busy') busy.push(slice[i]!);
        else if (outcome !== 'gone') result.refused++;
      }
      const done = job.count - busy.length - Math.max(0, places.length - from - sliceLength);
      options.onProgress?.(done, job.count);
      await nextTurn();
    }
    if (sweep === SWEEPS) {
      result.refused += busy.length;
      break;
    }
    places = busy;
    if (busy.length > 0) await store.changed.wait(PAUSE_MS, options.signal);
  }
  return result;
}

function checkGoingOn(space: SpaceState, options: HostMigrationOptions): void {
  throwIfAborted(options.signal);
  space.checkOpen();
}

/** Moves the pages of a few places in one turn, taking them off their devices before where the policy says so. */
async function moveSlice(
  space: SpaceState,
  job: MoveJob,
  policy: HostMigrationPolicy,
  places: readonly number[],
): Promise<MoveOutcome[]> {
  const { store } = space;
  const locked = policy === 'unmap' ? await takeOffDevices(store, job, places) : NONE;
  try {
    return places.map((place) => {
      const page = job.pageAt(place);
      if (page < 0) return 'gone';
      let to = -1;
      const target = { take: (needsStorage: boolean) => (to = job.take(place, needsStorage)) };
      const mine = locked.has(page);
      if (policy === 'unmap' && !mine && isPinned(store, page)) return 'refused';
      const outcome = movePage(store, page, target, policy, mine);
      if (outcome === 'moved' && mine) {
        locked.delete(page);
        store.unlock(to);
      }
      return outcome;
    });
  } finally {
    for (const page of locked) store.unlock(page);
    store.announce();
  }
}

const NONE: Set<number> = new Set();

/** Locks those pages that devices hold and takes them home. Returns them, still locked; none where a device was lost meanwhile. */
async function takeOffDevices(store: PageStore, job: MoveJob, places: readonly number[]): Promise<Set<number>> {
  const pages = new Set<number>();
  for (const place of places) {
    const page = job.pageAt(place);
    if (page < 0 || store.devicesOf(page) === 0 || isPinned(store, page)) continue;
    if (!store.any(page, PAGE_LOCKED | PAGE_HELD | PAGE_DEAD)) pages.add(page);
  }
  if (pages.size === 0) return pages;
  for (const page of pages) store.lock(page);
  try {
    await recallPages(store, Uint32Array.from(pages), pages.size, 'revoke');
    return pages;
  } catch (error) {
    for (const page of pages) store.unlock(page);
    store.announce();
    // What the device alone had is lost with it; the rest is at home, and is moved by the next sweep.
    if (error instanceof MirrorError) return new Set();
    throw error;
  }
}

/** Whether advice keeps a page on a device that holds it. */
function isPinned(store: PageStore, page: number): boolean {
  for (let bit = 0, left = store.devicesOf(page); left !== 0; bit++, left >>= 1)
    if ((left & 1) === 1 && store.device(bit).isPinned(page)) return true;
  return false;
}
