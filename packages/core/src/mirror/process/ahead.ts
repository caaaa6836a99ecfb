import { HOST, type PlacementPolicy, type PlacementRequest, type PrefetchPolicy } from '../../policy/index.js';
import { allows } from '../../space/index.js';
import { type PageRun, runsOf } from './page-runs.js';
import type { Piece } from './pieces.js';
import type { Mover, ProcessPool } from './process-pool.js';

/** Most pages that are brought beside those that an access touches. */
const MOST = 4096;
const DEVICE = 0;
const ELSEWHERE = 1;

/** Where what a device touches goes: by the policies of its mirror, as where faults are served by core. */
export class Ahead {
  private readonly proposed = new Float64Array(MOST);

  constructor(
    private readonly pool: ProcessPool,
    private readonly mover: Mover,
    private readonly mirror: object,
    private readonly placement: PlacementPolicy,
    private readonly prefetch: PrefetchPolicy,
  ) {}

  /** Brings pages of a piece's region, as far as there is room; resolves to how many came. They are pinned where advice says so, however often they left. */
  async bring({ region }: Piece, first: number, count: number): Promise<number> {
    const { pool, mover } = this;
    const came = await pool.bring(mover, first, count);
    if (!region.closed && region.advice.pin === this.mirror)
      for (let page = first; page < first + count; page++) pool.occupancy.pin(page, true);
    return came;
  }

  /** Brings what an access is about to touch, and what the policies bring with it. What is left where it is, the device uses there. */
  async of(pieces: readonly Piece[], write: boolean): Promise<void> {
    const { pool, mover } = this;
    const { pageSize, occupancy } = pool;
    for (const piece of pieces) {
      const first = piece.address / pageSize;
      const count = piece.bytes / pageSize;
      for (let page = first; page < first + count; page++) occupancy.touch(page);
      if (count > occupancy.capacity || this.placement(this.request(piece, write)) !== 'migrate') continue;
      mover.stats.faults += await this.bring(piece, first, count);
      for (const run of this.beside(piece, first, count))
        mover.stats.prefetched += await this.bring(piece, run.page, run.count);
    }
  }

  private request({ region }: Piece, write: boolean): PlacementRequest {
    const { preferredLocation, readMostly, accessedBy, pin } = region.advice;
    const places = new Map<unknown, number>([
      ['host', HOST],
      [this.mirror, DEVICE],
    ]);
    const preferred = preferredLocation ?? undefined;
    return {
      device: DEVICE,
      access: write && allows(region.access, true) ? 'write' : 'read',
      owner: HOST,
      preferred: preferred === undefined ? undefined : (places.get(preferred) ?? ELSEWHERE),
      readMostly: readMostly === true,
      accessedBy: accessedBy?.includes(this.mirror) === true ? 1 << DEVICE : 0,
      pinned: pin !== undefined && pin !== null && pin !== this.mirror,
      // The device reads and writes host memory where it is.
      remote: true,
    };
  }

  /** What the prefetch policy brings with pages that were touched, by the process's page numbers. A guess pushes nothing out. */
  private beside({ region, start }: Piece, first: number, count: number): PageRun[] {
    const { occupancy, pageSize } = this.pool;
    const { preferredLocation } = region.advice;
    const anywhere = preferredLocation === undefined || preferredLocation === null || preferredLocation === this.mirror;
    const room = Math.min(MOST, occupancy.capacity - occupancy.size);
    if (this.prefetch.name === 'none' || !anywhere || room === 0) return [];
    const regionStart = first - (start - region.start) / pageSize;
    const faults = Float64Array.from({ length: count }, (_, i) => first + i);
    const regionEnd = regionStart + (region.end - region.start) / pageSize;
    const resident = (page: number) => occupancy.has(page);
    const planned = this.prefetch.plan({ faults, count, regionStart, regionEnd, room, resident }, this.proposed);
    const pages = this.proposed.subarray(0, Math.max(0, Math.min(planned, room)));
    // Whatever a policy makes of the region: a guess must not fail an access.
    return runsOf(pages.filter((page) => page >= regionStart && page < regionEnd && Number.isInteger(page)));
  }
}
