import { FAULT_WRITE, PTE_READ, PTE_SHARED, PTE_WRITE, ZERO_FRAME } from '../driver/index.js';
import { allows, PAGE_LIVE, PAGE_OWNED, PAGE_WRITTEN, PAGE_ZERO, type Region } from '../space/index.js';
import { settleDepartures } from './departure.js';
import { collectGarbage, freeGarbage } from './flush.js';
import { BLOCK_LOCKED, BLOCK_PINNED } from './frame-table.js';
import { noteAsked, passOverLate } from './late-faults.js';
import { claimLivePages, collectRefreshes, HAD_COPY, keepStale } from './live-stores.js';
import type { MirrorState } from './mirror-state.js';
import type { PagingBatch } from './paging-batch.js';
import type { PoolState } from './pool-state.js';
import { rollBack } from './roll-back.js';
import type { Residency } from './residency.js';
import type { Room } from './room.js';
import { traceEviction, traceRound } from './round-trace.js';

/** How a round went. */
export interface RoundOutcome {
  /** Wanted pages that the device has after it. */
  placed: number;
  /** Wanted pages that found no frame. */
  crowded: number;
  /** Resolves when the device did it; undefined when it has. */
  done: Promise<void> | undefined;
}

/**
 * Serves the wanted pages of all mirrors of a pool: makes room, places the pages, and sends everything, garbage first:
 * departures in one submission, arrivals in the next. Synchronous up to there.
 */
export function sendRound(pool: PoolState, room: Room, window: number | undefined): RoundOutcome {
  // Before a page that has to be copied anew may become the device's own.
  collectRefreshes(pool);
  const outcome: RoundOutcome = { placed: 0, crowded: 0, done: undefined };
  for (const mirror of pool.mirrors) outcome.placed += passOverLate(pool, mirror, room);
  const needed = framesNeeded(pool, room);
  room.make(needed);
  pool.frames.readAheadFree(needed);
  room.reserve = 0;
  for (const mirror of pool.mirrors) room.reserve += faultsOf(mirror);
  for (const mirror of pool.mirrors) if (mirror.wanted.length > 0) place(pool, mirror, room, outcome);
  const garbage = collectGarbage(pool);
  claimLivePages(pool);
  const victims = room.chosen();
  const started = pool.device.now();
  outcome.done = pool.send('fault', window, (parts, away, incoming, queue) => {
    if (away !== undefined) {
      room.abandon(victims);
      for (const { mirror, batch } of parts) unlockPlaced(mirror.residency, batch);
      for (const residency of pool.residencies) residency?.store.announce();
      return;
    }
    let written = 0;
    for (const { mirror, batch } of parts) {
      const dirty = settleDepartures(mirror, batch);
      mirror.stats.writeBacks += dirty;
      written += dirty;
    }
    room.vacate(victims);
    freeGarbage(pool, garbage);
    if (incoming !== undefined) keepStale(parts);
    for (const { mirror, batch } of parts) {
      if (incoming === undefined || pool.lostError !== undefined) unlockPlaced(mirror.residency, batch);
      else rollBack(pool, mirror, batch);
      count(pool, mirror, batch, started);
      traceRound(pool, mirror, batch, queue, started);
    }
    for (const { mirror } of parts.slice(0, 1))
      mirror.space.trace.counters.of(pool.pageSize).evictions += victims.pages.length;
    traceEviction(pool, queue, victims.pages.length, written, started);
    for (const residency of pool.residencies) residency?.store.announce();
  });
  return outcome;
}

/** Adds a round to the counters of its page size. */
function count(pool: PoolState, mirror: MirrorState, batch: PagingBatch, started: number): void {
  const counters = mirror.space.trace.counters.of(pool.pageSize);
  if (batch.replay) {
    counters.faults += batch.maps.length;
    counters.faultUs += pool.device.now() - started;
  }
  counters.pagesIn += batch.copies.length;
  counters.bytesIn += batch.copies.length * pool.pageSize;
}

/** Counts the wanted pages that have no frame, and tells the room which they are. */
function framesNeeded(pool: PoolState, room: Room): number {
  let needed = 0;
  for (const { wanted, residency, space } of pool.mirrors) {
    const keys = room.expect(needed + wanted.length);
    for (let i = 0; i < wanted.length; i++) {
      if (residency.frame(wanted.hosts[i]!) < 0) keys[needed++] = space.base + wanted.pages[i]!;
    }
  }
  return needed;
}

/** How many of a mirror's wanted pages are faults. */
function faultsOf({ wanted, wantedFaults }: MirrorState): number {
  return Math.min(wanted.length, wantedFaults);
}

/** Gives the wanted pages of a mirror their frames, as far as there are any, and collects their arrival. */
function place(pool: PoolState, mirror: MirrorState, room: Room, outcome: RoundOutcome): void {
  const { wanted, residency, space, stats } = mirror;
  const batch = pool.batchOf(mirror);
  const { frames } = pool;
  let region: Region | undefined;
  const faults = faultsOf(mirror);
  const now = mirror.watches ? pool.device.now() : 0;
  room.reserve -= faults;
  for (let i = 0; i < wanted.length; i++) {
    const page = wanted.hosts[i]!;
    const isFault = i < faults;
    const pageNumber = wanted.pages[i]!;
    const address = pageNumber * space.pageSize;
    if (region === undefined || address >= region.end || address < region.start) region = space.regions.at(address)!;
    let frame = residency.frame(page);
    const had = frame >= 0;
    if (frame < 0) {
      // What faulted in other mirrors gets its frames before what is brought ahead in this one.
      if (room.left <= (isFault ? 0 : room.reserve)) {
        space.store.unlock(page);
        if (isFault) outcome.crowded++;
        continue;
      }
      frame = room.take(page, residency.index, space.base + pageNumber, isFault ? 0 : wanted.bits[i]!);
      arrive(pool, mirror, batch, page, frame);
      if (mirror.watches && isFault) mirror.noteMove(pageNumber, residency.bit, now);
      if (isFault) frames.markFresh(frame);
      else {
        stats.prefetched++;
        pool.broughtAhead++;
      }
    } else {
      room.touched(frame);
      if (isFault) noteAsked(pool, mirror, frame, pageNumber);
      space.store.lists?.touch(page);
      replaceEntry(mirror, batch, i, frame);
    }
    if (mirror.handle !== undefined && region.advice.pin === mirror.handle) frames.flags[frame]! |= BLOCK_PINNED;
    if (wanted.codes[i] === FAULT_WRITE) claim(mirror, page, frame, had);
    const access = grant(mirror, region, page, wanted.codes[i] === FAULT_WRITE);
    batch.maps.push(pageNumber, frame, page, access);
    frames.setInstalled(frame, space.store.mapCount(page) === 1, (access & PTE_WRITE) !== 0);
    if ((access & PTE_WRITE) !== 0) frames.setDirty(frame, true);
    outcome.placed++;
  }
  room.track();
  wanted.clear();
}

/** Prepares a new entry for a page that is resident. */
function replaceEntry(
  { wanted, residency, space }: MirrorState,
  batch: PagingBatch,
  index: number,
  frame: number,
): void {
  const page = wanted.hosts[index]!;
  if (space.store.any(page, PAGE_OWNED)) {
    space.store.mark(page, PAGE_WRITTEN);
    residency.taken++;
  }
  batch.refresh.push(wanted.pages[index]!, frame, page, 0);
}

function arrive(pool: PoolState, mirror: MirrorState, batch: PagingBatch, page: number, frame: number): void {
  const { residency, stats } = mirror;
  const zero = residency.store.any(page, PAGE_ZERO);
  residency.enter(page, frame);
  pool.frames.flags[frame]! |= BLOCK_LOCKED;
  batch.copies.push(0, frame, zero ? ZERO_FRAME : page, 0);
  stats.pagesIn++;
  if (!zero) stats.bytesIn += pool.pageSize;
}

/** Notes that the device is about to own a page that plain accesses reach. */
function claim({ residency }: MirrorState, page: number, frame: number, had: boolean): void {
  const { store } = residency;
  if (!store.any(page, PAGE_LIVE) || store.any(page, PAGE_OWNED)) return;
  residency.claims.push(0, frame, page, had ? HAD_COPY : 0);
}

/** The rights of the entry to be made; makes the device the owner where it may write. */
function grant(mirror: MirrorState, region: Region, page: number, write: boolean): number {
  const { store } = mirror.space;
  const shared = store.mapCount(page) > 1 ? PTE_SHARED : 0;
  if (write) store.mark(page, PAGE_OWNED);
  const owned = store.any(page, PAGE_OWNED);
  const writable = owned && allows(region.access, true) && (region.shared || !store.isShared(page));
  return PTE_READ | (writable ? PTE_WRITE : 0) | shared;
}

/** Unlocks the pages for which a batch makes entries. */
export function unlockPlaced(residency: Residency, batch: PagingBatch): void {
  const { hosts, frames, length } = batch.maps;
  for (let i = 0; i < length; i++) residency.unlockIn(frames[i]!, hosts[i]!);
}
