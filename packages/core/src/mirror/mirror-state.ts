import type { DeviceMmu } from '../driver/index.js';
import { DirtyPtes } from '../notifier/index.js';
import { HOST, type PlacementPolicy, type PrefetchPolicy, type ThrashingPolicy } from '../policy/index.js';
import { PAGE_OWNED, PAGE_WRITTEN, type SpaceMirror, type SpaceState } from '../space/index.js';
import { Absentees } from './absentees.js';
import { FaultList } from './fault-list.js';
import { LossRecord } from './loss-record.js';
import { PageMoves } from './page-moves.js';
import type { PageRecorder } from './page-recorder.js';
import type { PagingBatch } from './paging-batch.js';
import type { Residency } from './residency.js';
import { createStats, type MirrorStats } from './stats.js';

/** What the parts of a mirror share: one space on one device. */
export class MirrorState {
  readonly space: SpaceState;
  readonly mmu: DeviceMmu;
  readonly residency: Residency;
  readonly prefetch: PrefetchPolicy;
  readonly placement: PlacementPolicy;
  readonly thrashing: ThrashingPolicy;
  readonly stats: MirrorStats = createStats();
  /** Entries that changed on the CPU side and that the device still has. */
  readonly dirty = new DirtyPtes();
  /** What ranges lacked when they were last looked through. */
  readonly absentees = new Absentees();
  /** Faults drained and not served yet: pages and access codes, unsorted, with duplicates. */
  readonly faults = new PageMoves();
  /** The faults of a round, sorted. */
  readonly sorted = new FaultList();
  /** Pages to serve in this round, locked: page numbers, contents (`hosts`) and access codes. */
  readonly wanted = new PageMoves();
  /** How many of `wanted`, from the first, are faults; the others are brought ahead of faults. */
  wantedFaults = 0;
  /** Faults that wait for a lock, a hold, a file or another device. */
  readonly deferred = new PageMoves();
  /** Page numbers for which background work is under way. */
  readonly preparing = new Set<number>();
  /** Faults whose background work failed; codes are cancel reasons. */
  readonly refused = new PageMoves();
  /** Pages that cannot fit: faults on them are refused when they come again, unless something got further until then. */
  readonly hopeless = new PageMoves();
  /** The batch being collected, while one is. */
  batch: PagingBatch | undefined;
  /** What records its accesses, while a recording is active. */
  recorder: PageRecorder | undefined;
  /** Whether pages went home for the CPU or others, so that some may go to and fro. */
  watches = false;
  /** The time on the device when faults were last looked at, once it watches. */
  time = 0;
  /** What it lost with its device. */
  readonly loss = new LossRecord();
  /** What users know this mirror by; set when it is attached. */
  handle: SpaceMirror | undefined;
  /** Whether detaching has begun: new work is refused. */
  detached = false;

  constructor(
    space: SpaceState,
    mmu: DeviceMmu,
    residency: Residency,
    prefetch: PrefetchPolicy,
    placement: PlacementPolicy,
    thrashing: ThrashingPolicy,
  ) {
    this.space = space;
    this.mmu = mmu;
    this.residency = residency;
    this.prefetch = prefetch;
    this.placement = placement;
    this.thrashing = thrashing;
  }

  /** Takes note, once, whether a page that was brought ahead was used; `ahead` is 1 + the index of why it came. */
  noteUse(page: number, used: boolean, ahead: number): void {
    if (used) this.stats.prefetchUsed++;
    else this.stats.prefetchWasted++;
    this.prefetch.feedback?.(page, used, ahead - 1);
  }

  /** Notes that a page moved, or its rights were revoked: to the device, or for the CPU or another one. */
  noteMove(page: number, place: number, now: number): void {
    if (place === HOST) this.watches = this.thrashing.name !== 'none';
    if (this.watches) this.thrashing.note(page, place, now);
  }

  /** Marks every entry of a byte range that the device has. Synchronous; allocates nothing in steady state (R4). */
  markDirty(start: number, end: number): void {
    const { space, dirty } = this;
    const { store, base, marks } = space;
    const bit = 1 << this.residency.bit;
    marks.clear();
    store.table.collect(base + space.pageOf(start), base + Math.ceil(end / space.pageSize), marks);
    for (let i = 0; i < marks.length; i++) {
      const slot = marks.items[i]!;
      const page = (store.table.entry(slot) | 0) - 1;
      // A page in the swap store is on no device.
      if (page < 0 || (store.devicesOf(page) & bit) === 0) continue;
      // The entry takes its dirty bit with it: content that stays on the device must count as written.
      if (store.any(page, PAGE_OWNED)) {
        store.mark(page, PAGE_WRITTEN);
        this.residency.taken++;
      }
      this.residency.uninstall(page);
      this.absentees.clear();
      dirty.mark(store.table.pageOfSlot(slot) - base, page);
    }
  }
}
