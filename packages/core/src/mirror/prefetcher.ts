import { FAULT_WRITE } from '../driver/index.js';
import type { PrefetchRequest } from '../policy/index.js';
import type { Region } from '../space/index.js';
import type { Admission } from './admission.js';
import type { MirrorState } from './mirror-state.js';
import { mayPrefetch } from './placement.js';
import type { PoolState } from './pool-state.js';
import { countReason } from './stats.js';

/** Most pages that one batch may bring beside the faulted ones. */
const MOST = 4096;
/** Most reasons that are told apart. */
const MOST_REASONS = 127;

/** What the policy is asked; reused. */
class Request implements PrefetchRequest {
  faults = new Float64Array(256);
  count = 0;
  regionStart = 0;
  regionEnd = 0;
  room = 0;
  free = 0;
  mirror: MirrorState | undefined;

  resident(page: number): boolean {
    const { space, residency } = this.mirror!;
    const content = space.store.lookup(space.base + page);
    return content >= 0 && (space.store.devicesOf(content) & (1 << residency.bit)) !== 0;
  }

  thrashing(page: number): boolean {
    return this.mirror!.watches && this.mirror!.thrashing.isThrashing(page, this.mirror!.time);
  }

  /** Whether a page may come that a policy proposes: whatever it makes of its region, or of what goes to and fro. */
  allows(page: number): boolean {
    return page >= this.regionStart && page < this.regionEnd && Number.isInteger(page) && !this.thrashing(page);
  }
}

/** Asks a mirror's prefetch policy about the faulted pages of each region and adds what it proposes to the wanted pages. */
export class Prefetcher {
  private readonly admission: Admission;
  private readonly request = new Request();
  private readonly proposed = new Float64Array(MOST);
  private readonly why = new Uint8Array(MOST);
  private readonly counts = new Uint32Array(MOST_REASONS + 1);
  /** Pages of this round, of all mirrors, for which others would have to leave beside the faults. */
  private pushing = 0;

  constructor(admission: Admission) {
    this.admission = admission;
  }

  /** Plans for the wanted faults of all mirrors. */
  planAll(pool: PoolState): void {
    this.pushing = 0;
    for (const mirror of pool.mirrors) if (mirror.wanted.length > 0) this.plan(mirror, pool);
  }

  /** Plans for the wanted faults of a mirror, which are sorted by page. */
  private plan(mirror: MirrorState, pool: PoolState): void {
    if (mirror.prefetch.name === 'none') return;
    const { wanted, space } = mirror;
    const faults = wanted.length;
    for (let from = 0; from < faults;) {
      const region = space.regions.at(wanted.pages[from]! * space.pageSize)!;
      const endPage = region.end / space.pageSize;
      let to = from + 1;
      while (to < faults && wanted.pages[to]! < endPage) to++;
      if (mayPrefetch(mirror, region)) this.planRegion(mirror, pool, region, from, to);
      from = to;
    }
  }

  private planRegion(mirror: MirrorState, pool: PoolState, region: Region, from: number, to: number): void {
    const { request, proposed, why } = this;
    const { wanted, space, prefetch } = mirror;
    if (to - from > request.faults.length) request.faults = new Float64Array((to - from) * 2);
    let writes = 0;
    for (let i = from; i < to; i++) {
      request.faults[i - from] = wanted.pages[i]!;
      if (wanted.codes[i] === FAULT_WRITE) writes++;
    }
    request.count = to - from;
    request.regionStart = region.start / space.pageSize;
    request.regionEnd = region.end / space.pageSize;
    request.mirror = mirror;
    this.measureRoom(pool, prefetch.evicts ?? 0);
    const { free, room } = request;
    why.fill(0, 0, room);
    const count = Math.min(prefetch.plan(request, proposed, why), room);
    const write = writes * 2 > to - from;
    const named = prefetch.reasons?.length ?? 0;
    let wantedNow = 0;
    for (let i = 0; i < count; i++) {
      if (!request.allows(proposed[i]!) || !this.admission.offer(mirror, region, proposed[i]!, write)) continue;
      const reason = Math.min(MOST_REASONS - 1, why[i]!);
      wanted.bits[wanted.length - 1] = 1 + reason;
      // What has no name is counted together, behind what has.
      this.counts[Math.min(reason, named)]!++;
      wantedNow++;
    }
    this.pushing += Math.max(0, wantedNow - free);
    if (wantedNow > 0) this.countReasons(mirror, named);
  }

  /** Guesses take free frames that no fault needs; and as far as the policy wants it, they push out what no fault brings. */
  private measureRoom({ frames, mirrors }: PoolState, evicts: number): void {
    let taken = 0;
    for (const { wanted } of mirrors) taken += wanted.length;
    const free = Math.max(0, frames.free - taken);
    const pushed = Math.min(Math.floor(evicts * frames.capacity), frames.capacity - taken) - this.pushing;
    this.request.free = Math.min(MOST, free);
    this.request.room = Math.min(MOST, free + Math.max(0, pushed));
  }

  private countReasons({ prefetch, stats }: MirrorState, named: number): void {
    const { counts } = this;
    for (let reason = 0; reason <= Math.min(named, MOST_REASONS); reason++) {
      if (counts[reason] === 0) continue;
      countReason(stats.fetchReasons, prefetch.reasons?.[reason] ?? prefetch.name, counts[reason]!);
      counts[reason] = 0;
    }
  }
}
