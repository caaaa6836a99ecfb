import { MirrorError } from '../driver/index.js';
import { checkHostMigration, type HostMigrationOptions } from './host-migration.js';
import { alone, type MoveJob, type MoveResult, runMoves } from './mover.js';
import { PAGE_OWNED, PAGE_ZERO } from './page-state.js';
import type { SpaceState } from './state.js';

/** No engine array is longer for sure, so no more can be one view. */
const MAX_BYTES = 1 << 30;

/** What a relocation did. */
export interface RelocateResult extends MoveResult {
  /** Whether all pages of the range lie side by side on the host now, so that a hold on it is a view and not a copy. */
  readonly contiguous: boolean;
}

/** Moves the pages of a page range to host frames side by side. */
export async function relocateRange(
  space: SpaceState,
  start: number,
  end: number,
  options: HostMigrationOptions,
): Promise<RelocateResult> {
  const policy = checkHostMigration(options);
  space.checkMapped(start, end);
  if (end - start > MAX_BYTES) {
    throw new MirrorError(
      'INVALID_ARGUMENT',
      `${end - start} bytes cannot lie side by side; relocate at most ${MAX_BYTES} at once`,
      { address: start },
    );
  }
  const from = space.pageOf(start);
  const count = space.pageOf(end) - from;
  return alone(space, options, async () => {
    if (isContiguous(space, from, count)) return { moved: 0, refused: 0, contiguous: true };
    const run = new Run(space, from, count);
    try {
      const result = await runMoves(space, run, policy, options);
      return { ...result, contiguous: isContiguous(space, from, count) };
    } finally {
      run.giveBackUnused();
    }
  });
}

/** Pages side by side, for the pages of a range to move to. */
class Run implements MoveJob {
  readonly count: number;
  private readonly space: SpaceState;
  private readonly from: number;
  private readonly first: number;
  private readonly used: Uint8Array;

  /** @throws MirrorError `OUT_OF_HOST_MEMORY`; nothing is changed then */
  constructor(space: SpaceState, from: number, count: number) {
    const { store } = space;
    this.space = space;
    this.from = from;
    this.count = count;
    this.used = new Uint8Array(count);
    this.first = store.createRun(count);
    if (!hasContent(space, from, count)) return;
    try {
      store.host.commit(this.first, count);
    } catch (error) {
      this.giveBackUnused();
      throw error;
    }
  }

  pageAt(place: number): number {
    const { store, base } = this.space;
    const key = base + this.from + place;
    const page = store.lookup(key);
    if (page === -1) this.fill(place, key);
    // A page that is mapped twice in the range moves once.
    return page >= this.first && page < this.first + this.count ? -1 : page;
  }

  take(place: number, needsStorage: boolean): number {
    if (this.used[place] === 1) return -1;
    if (needsStorage) this.space.store.host.commit(this.first + place, 1);
    this.used[place] = 1;
    return this.first + place;
  }

  giveBackUnused(): void {
    for (let place = 0; place < this.count; place++)
      if (this.used[place] === 0) this.space.store.withdraw(this.first + place);
  }

  /** Untouched anonymous memory gets its page of zeros from the run: made later, it would lie elsewhere. */
  private fill(place: number, key: number): void {
    const { space } = this;
    const region = space.regions.at((this.from + place) * space.pageSize);
    if (region === undefined || region.object !== undefined) return;
    const page = this.take(place, false);
    if (page >= 0) space.store.link(key, page);
  }
}

/** Whether any page of a range needs storage. */
function hasContent(space: SpaceState, from: number, count: number): boolean {
  const { store, base } = space;
  for (let key = base + from; key < base + from + count; key++) {
    const page = store.lookup(key);
    if (page >= 0 && (!store.any(page, PAGE_ZERO) || store.any(page, PAGE_OWNED))) return true;
  }
  return false;
}

function isContiguous(space: SpaceState, from: number, count: number): boolean {
  const { store, base } = space;
  const first = store.lookup(base + from);
  if (first < 0) return false;
  for (let i = 1; i < count; i++) if (store.lookup(base + from + i) !== first + i) return false;
  // Storage is made in one piece for pages that have none yet.
  return !hasContent(space, from, count) || store.host.view(first, count) !== undefined;
}
