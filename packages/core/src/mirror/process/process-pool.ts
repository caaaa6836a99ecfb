import {
  type Command,
  type Device,
  type DeviceMmu,
  type ErrorCode,
  type Fence,
  MirrorError,
  SNAPSHOT_LOCAL,
  SNAPSHOT_READ,
  SNAPSHOT_WRITE,
} from '../../driver/index.js';
import type { MirrorStats } from '../stats.js';
import type { CheckedOptions } from '../options.js';
import { Occupancy } from './occupancy.js';
import type { PageRun } from './page-runs.js';

/** Pages that are moved in one step: room is made for that many at once. */
const AT_ONCE = 512;
/** Pages that are looked at before others are sent home, for each that is to leave: some of them may have gone home by themselves. */
const LOOKS = 2;
/** And at least so many. */
const LOOKS_AT_LEAST = 64;

/** For whom pages move. */
export interface Mover {
  /** The page table that commands go to. */
  readonly mmu: DeviceMmu;
  /** Counts what happened. */
  readonly stats: MirrorStats;
  /** @throws MirrorError `CLOSED` once it is being detached */
  checkAttached(): void;
}

/** Devices that have pages of the process; their mirrors may be of several spaces, but there is one process. */
const pools = new Set<ProcessPool>();

/** A device that mirrors the process's page table, and what of the process is in its memory: one for all its mirrors. */
export class ProcessPool {
  readonly occupancy: Occupancy;
  readonly timeoutMs: number;
  /** Whether the device says where pages are. */
  readonly looks: boolean;
  /** Why nothing works any more. */
  lostError: MirrorError | undefined;
  /** Mirrors on it. */
  readonly movers = new Set<Mover>();
  private readonly pending = new Set<Promise<void>>();
  private moving: Promise<unknown> = Promise.resolve();

  constructor(
    readonly device: Device,
    readonly pageSize: number,
    { eviction, timeoutMs }: Pick<CheckedOptions, 'eviction' | 'timeoutMs'>,
  ) {
    const capacity = Math.floor(device.limits.memory / pageSize);
    this.occupancy = new Occupancy(capacity, eviction(capacity, pageSize));
    this.timeoutMs = timeoutMs;
    this.looks = device.features.has('snapshots');
  }

  /** A mirror begins. */
  add(mover: Mover): void {
    this.movers.add(mover);
    pools.add(this);
  }

  /** A mirror has ended. */
  remove(mover: Mover): void {
    this.movers.delete(mover);
    if (this.movers.size === 0) pools.delete(this);
  }

  /** Runs a command on the first queue of a kind; resolves when it took effect. @throws MirrorError */
  async run(command: Command, paging: boolean): Promise<void> {
    await this.wait(this.submit(command, paging));
  }

  /** Sends a command to the first queue of a kind; {@link wait} for it. */
  submit(command: Command, paging: boolean): Fence {
    return this.device.queues.find((candidate) => candidate.paging === paging)!.submit([command]);
  }

  /** Resolves when a command took effect. @throws MirrorError */
  async wait(fence: Fence): Promise<void> {
    await this.during(fence.wait({ timeoutMs: this.timeoutMs }));
  }

  /** Resolves when no command is under way that began before. */
  async idle(): Promise<void> {
    await Promise.all(this.pending);
  }

  /** As {@link idle}, and no move, which is several commands. */
  async still(): Promise<void> {
    await this.moving;
    await this.idle();
  }

  /**
   * Moves pages of the process to the device, as far as there is room beside what is pinned; others leave by the policy. What another device
   * has comes home first. Resolves to how many came. One move at a time: two would take each other's room.
   */
  bring(mover: Mover, page: number, count: number): Promise<number> {
    return this.alone(async () => {
      let came = 0;
      this.occupancy.spare({ page, count });
      try {
        for (let first = page; first < page + count;) {
          mover.checkAttached();
          const some = Math.min(AT_ONCE, this.occupancy.capacity, page + count - first);
          came += await this.bringSome(mover, first, some);
          first += some;
        }
      } finally {
        this.occupancy.spare();
      }
      return came;
    });
  }

  /** Pages of `[from, to)` that may be there. Where the device does not say, those are not only the ones that are thought to be. */
  mayHave(from: number, to: number): PageRun[] {
    if (this.looks) return this.occupancy.within(from, to);
    return this.occupancy.size === 0 ? [] : [{ page: from, count: to - from }];
  }

  /** Moves pages to host memory; resolves to how many moved. */
  sendHome(mover: Mover, page: number, count: number): Promise<number> {
    return this.alone(() => this.send(mover, { page, count }));
  }

  /** Where pages are: `SNAPSHOT_*` flags a page. What is known of them is brought up to date; it is the answer where the device does not say. */
  async look(mover: Mover, page: number, count: number): Promise<Uint8Array> {
    const flags = new Uint8Array(count);
    if (!this.looks) {
      for (let i = 0; i < count; i++)
        flags[i] = SNAPSHOT_READ | SNAPSHOT_WRITE | (this.occupancy.has(page + i) ? SNAPSHOT_LOCAL : 0);
      return flags;
    }
    await this.run({ kind: 'snapshot', ...this.range(mover, page, count), flags }, true);
    for (let i = 0; i < count; i++) {
      if ((flags[i]! & SNAPSHOT_LOCAL) === 0) this.occupancy.leave(page + i);
      else if (!this.occupancy.has(page + i)) this.occupancy.enter(page + i);
    }
    return flags;
  }

  private async bringSome(mover: Mover, page: number, count: number): Promise<number> {
    await this.callHome(page, count);
    const before = await this.look(mover, page, count);
    let lacking = 0;
    for (const flags of before) if ((flags & SNAPSHOT_LOCAL) === 0) lacking++;
    if (lacking === 0) return 0;
    const room = await this.makeRoom(mover, lacking);
    let came = 0;
    for (let i = 0; i < count && came < room;) {
      if ((before[i]! & SNAPSHOT_LOCAL) !== 0) {
        i++;
        continue;
      }
      let to = i;
      while (to < count && (before[to]! & SNAPSHOT_LOCAL) === 0 && came + to - i < room) to++;
      const moved = new Uint32Array(1);
      await this.run({ kind: 'migrate', ...this.range(mover, page + i, to - i), to: 'device', moved }, true);
      // Which of them came is not known where not all did: as many are thought to be there.
      if (!this.looks) for (let k = i; k < Math.min(to, i + moved[0]!); k++) this.occupancy.enter(page + k);
      const after = await this.look(mover, page + i, to - i);
      for (const flags of after) if ((flags & SNAPSHOT_LOCAL) !== 0) came++;
      i = to;
    }
    mover.stats.pagesIn += came;
    mover.stats.bytesIn += came * this.pageSize;
    return came;
  }

  /** Makes room for `count` pages without taking those that are being brought. Resolves to the room there is. */
  private async makeRoom(mover: Mover, count: number): Promise<number> {
    const { occupancy } = this;
    const room = () => occupancy.capacity - occupancy.size;
    if (room() >= count) return count;
    // The CPU may have called some home. One looks at some of them, at all in their turn: as many as room is made for, not as many as there are.
    const looked = Math.max(LOOKS_AT_LEAST, LOOKS * (count - room()));
    if (this.looks)
      for (const run of occupancy.next(looked))
        await this.ofMapped(run, async ({ page, count: pages }) => (await this.look(mover, page, pages)).length);
    if (room() >= count) return count;
    const wanted = count - room();
    for (const run of occupancy.victims(wanted)) {
      const left = await this.ofMapped(run, (part) => this.send(mover, part));
      mover.stats.evictions += left;
      mover.stats.writeBacks += left;
    }
    return Math.min(count, room());
  }

  /** Does something with pages of which some may be mapped no more: unmapped as they came, they were noted after all. Resolves to the sum. */
  private async ofMapped(run: PageRun, work: (run: PageRun) => Promise<number>): Promise<number> {
    try {
      return await work(run);
    } catch (error) {
      if (!hasCode(error, 'ADDRESS_NOT_MAPPED')) throw error;
    }
    if (run.count === 1) {
      this.occupancy.leave(run.page);
      return 0;
    }
    let sum = 0;
    for (let i = 0; i < run.count; i++) sum += await this.ofMapped({ page: run.page + i, count: 1 }, work);
    return sum;
  }

  private async send(mover: Mover, { page, count }: PageRun): Promise<number> {
    const moved = new Uint32Array(1);
    await this.run({ kind: 'migrate', ...this.range(mover, page, count), to: 'host', moved }, true);
    if (this.looks) await this.look(mover, page, count);
    else this.occupancy.forget(page, page + count);
    mover.stats.pagesOut += moved[0]!;
    mover.stats.bytesOut += moved[0]! * this.pageSize;
    return moved[0]!;
  }

  /** Has other devices give pages back: of what is in another's private memory a snapshot says nothing. */
  private async callHome(page: number, count: number): Promise<void> {
    for (const pool of pools)
      if (pool !== this) for (const run of pool.mayHave(page, page + count)) await pool.giveBack(run);
  }

  /** Gives pages back that another device is to have. */
  private async giveBack(run: PageRun): Promise<void> {
    const [mover] = this.movers;
    if (mover === undefined || this.lostError !== undefined) return;
    mover.stats.recalls += run.count;
    try {
      // Not in its turn: it may be waiting for pages of the other's. Until it is done, the mover's page table stays.
      await this.during(this.send(mover, run));
    } catch (error) {
      // A device that goes gives everything back.
      if (!hasCode(error, 'DEVICE_LOST') && !hasCode(error, 'CLOSED')) throw error;
    }
  }

  private range({ mmu }: Mover, page: number, count: number) {
    return { mmu: mmu.id, start: page * this.pageSize, end: (page + count) * this.pageSize };
  }

  /** Has {@link idle} wait for some work. */
  private async during<T>(work: Promise<T>): Promise<T> {
    const settled = work.then(
      () => undefined,
      () => undefined,
    );
    this.pending.add(settled);
    try {
      return await work;
    } finally {
      this.pending.delete(settled);
    }
  }

  private alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.moving.then(work);
    this.moving = turn.catch(() => undefined);
    return turn;
  }
}

function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof MirrorError && error.code === code;
}
