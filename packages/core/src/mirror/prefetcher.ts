import { FAULT_WRITE } from '../driver/index.js';
import type { PrefetchRequest } from '../policy/index.js';
import type { Region } from '../space/index.js';
import type { Admission } from './admission.js';
import type { MirrorState } from './mirror-state.js';
import { mayPrefetch } from './placement.js';
import type { PoolState } from './pool-state.js';

/** Most pages that one batch may bring beside the faulted ones. */
const MOST = 4096;

/** What the policy is asked; reused. */
class Request implements PrefetchRequest {
  faults = new Float64Array(256);
  count = 0;
  regionStart = 0;
  regionEnd = 0;
  room = 0;
  mirror: MirrorState | undefined;

  resident(page: number): boolean {
    const { space, residency } = this.mirror!;
    const content = space.store.lookup(space.base + page);
    return content >= 0 && (space.store.devicesOf(content) & (1 << residency.bit)) !== 0;
  }
}

/** Asks a mirror's prefetch policy about the faulted pages of each region and adds what it proposes to the wanted pages. */
export class Prefetcher {
  private readonly admission: Admission;
  private readonly request = new Request();
  private readonly proposed = new Float64Array(MOST);

  constructor(admission: Admission) {
    this.admission = admission;
  }

  /** Plans for the wanted faults of a mirror, which are sorted by page. */
  plan(mirror: MirrorState, pool: PoolState): void {
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
    const { request } = this;
    const { wanted, space } = mirror;
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
    // A guess never pushes out what somebody needed: under pressure that only moves the faults elsewhere.
    request.room = Math.max(0, Math.min(MOST, pool.frames.free - wanted.length));
    const count = mirror.prefetch.plan(request, this.proposed);
    const write = writes * 2 > to - from;
    for (let i = 0; i < count; i++) this.admission.offer(mirror, region, this.proposed[i]!, write);
  }
}
