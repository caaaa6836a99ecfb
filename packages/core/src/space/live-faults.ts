import type { LiveFault } from './live-memory.js';
import { PAGE_LIVE, PAGE_LOCKED, PAGE_LOST, PAGE_OWNED } from './page-state.js';
import type { PageStore } from './page-store.js';
import { recallWhenFree } from './recall.js';

/** Neighbours that come home with a page; a power of two. */
const AROUND = 16;
/** Milliseconds until what failed is tried again, if nothing changes before. */
const RETRY_MS = 1000;

/** Brings pages home that plain loads and stores wait for, from now on: for a load devices keep a copy, for a store none has any. */
export function serveLiveFaults(store: PageStore): void {
  const live = store.host.live!;
  live.onFault = (faults) => {
    void serve(store, faults, false);
    void serve(store, faults, true);
  };
}

/** Every fault is answered: who waits hears of nothing but that the page is shown. */
async function serve(store: PageStore, faults: readonly LiveFault[], write: boolean): Promise<void> {
  let pages = faults.filter((fault) => fault.write === write).map(({ frame }) => frame);
  while (pages.length > 0) {
    const around = new Set(pages.flatMap((page) => withNeighbours(store, page)));
    const away = () => Uint32Array.from(around).filter((page) => isAway(store, page));
    // What a device took along when it went is lost: it stays away until it is written anew.
    const failed = await recallWhenFree(store, away, write ? 'revoke' : 'clean').then(
      () => false,
      () => true,
    );
    for (const page of pages) if (!isAway(store, page) && !store.any(page, PAGE_LOST)) store.cameHome(page);
    store.announce();
    // A device may have taken one again by now.
    pages = pages.filter((page) => isAway(store, page));
    if (failed && pages.length > 0) await store.changed.wait(RETRY_MS);
  }
}

/** A page, and those beside it that are away and nobody is busy with. */
function withNeighbours(store: PageStore, page: number): number[] {
  const first = page - (page % AROUND);
  const block = Array.from({ length: AROUND }, (_none, i) => first + i);
  return block.filter(
    (other) => other === page || (isAway(store, other) && !store.any(other, PAGE_LOCKED) && !isPinned(store, other)),
  );
}

function isAway(store: PageStore, page: number): boolean {
  const state = store.stateOf(page);
  return (state & PAGE_LIVE) !== 0 && (state & PAGE_OWNED) !== 0;
}

function isPinned(store: PageStore, page: number): boolean {
  return store.devicesWith(page).some((device) => device.isPinned(page));
}
