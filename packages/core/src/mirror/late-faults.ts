import { FAULT_WRITE } from '../driver/index.js';
import { PAGE_OWNED } from '../space/index.js';
import type { MirrorState } from './mirror-state.js';
import type { PoolState } from './pool-state.js';
import type { Room } from './room.js';

/**
 * Passes over the wanted pages of a mirror that the device has by now, with the entry that they want: their faults are late, and making the entry again would take its dirty bit
 * with it. They count as accesses, before room is made, and then their frames are no safer than others: a page that nobody waits for any more must not keep its place because
 * it was waited for. Returns how many there were.
 */
export function passOverLate(pool: PoolState, mirror: MirrorState, room: Room): number {
  const { wanted, residency, space } = mirror;
  const { store } = space;
  const faults = Math.min(wanted.length, mirror.wantedFaults);
  let kept = 0;
  for (let i = 0; i < wanted.length; i++) {
    const page = wanted.hosts[i]!;
    const frame = residency.frame(page);
    if (frame < 0 || !hasEntry(pool, mirror, page, frame, wanted.codes[i] === FAULT_WRITE)) {
      wanted.move(i, kept++);
      continue;
    }
    room.touched(frame);
    store.lists?.touch(page);
    if (i < faults) {
      noteAsked(pool, mirror, frame, wanted.pages[i]!);
      mirror.wantedFaults--;
    }
    store.unlock(page);
  }
  const late = wanted.length - kept;
  wanted.length = kept;
  if (late > 0) room.noteTouched();
  return late;
}

/** Somebody asked for a page that was brought ahead. */
export function noteAsked(
  { frames, tellsUse }: PoolState,
  mirror: MirrorState,
  frame: number,
  pageNumber: number,
): void {
  const ahead = frames.ahead[frame]!;
  if (ahead === 0) return;
  frames.ahead[frame] = 0;
  if (tellsUse) mirror.noteUse(pageNumber, true, ahead);
}

function hasEntry({ frames }: PoolState, { space }: MirrorState, page: number, frame: number, write: boolean): boolean {
  const { store } = space;
  // With more mappings than one, which of them has an entry is not known.
  const installed = frames.isInstalled(frame) && store.mapCount(page) === 1;
  // The device may own it and still have an entry for reads only, made while the region allowed no more.
  return installed && (!write || (store.any(page, PAGE_OWNED) && frames.isWritable(frame)));
}
