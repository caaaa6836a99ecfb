import { type Command, type CommandQueue, type Device, type Fence, hasSettled, MirrorError } from '../driver/index.js';
import type { EvictionFactory } from '../policy/index.js';
import { FrameTable } from './frame-table.js';
import type { MirrorState } from './mirror-state.js';
import { type BatchTarget, bringHome, bringIn, PagingBatch, takeEntries } from './paging-batch.js';
import type { Residency } from './residency.js';

const KEYS_PER_SPACE = 2 ** 35;

/** A batch and the mirror it belongs to. */
export interface Part {
  readonly mirror: MirrorState;
  readonly batch: PagingBatch;
}

/** How a submission of batches ended: errors of its two halves, `undefined` where they took effect. */
export type Finish = (away: MirrorError | undefined, incoming: MirrorError | undefined) => void;

/**
 * A device's memory and the queue by which it is managed: what flush, recall and fault service have in common. Batches are
 * collected synchronously, sent as one or two submissions, and finished in the order in which they were sent.
 */
export class PoolState {
  readonly device: Device;
  readonly queue: CommandQueue;
  readonly pageSize: number;
  readonly frames: FrameTable;
  readonly mirrors: MirrorState[] = [];
  readonly residencies: (Residency | undefined)[] = [];
  /** Milliseconds without progress before the device counts as hung. */
  readonly timeoutMs: number;
  /** Why the device is gone, once it is. */
  lostError: MirrorError | undefined;
  /** Called once when the device is gone. */
  onLost: ((error: MirrorError) => void) | undefined;
  /** Fence of the last submission: what launches must not overtake. */
  lastFence: Fence | undefined;
  /** Pages that were chosen to leave so far. */
  evictions = 0;
  /** Resolves when the harvests so far are in. */
  harvesting: Promise<void> = Promise.resolve();
  private readonly open: MirrorState[] = [];
  private readonly spare: PagingBatch[] = [];
  private tail: Promise<void> = Promise.resolve();
  private unfinished = 0;

  constructor(device: Device, pageSize: number, eviction: EvictionFactory, timeoutMs: number) {
    this.device = device;
    this.pageSize = pageSize;
    this.timeoutMs = timeoutMs;
    this.queue = pagingQueueOf(device);
    const capacity = Math.floor(device.limits.memory / pageSize);
    this.frames = new FrameTable(capacity, eviction(capacity));
  }

  /** Name of the device. */
  get name(): string {
    return this.device.info.name;
  }

  /** Whether a submission has not been finished. */
  get busy(): boolean {
    return this.unfinished > 0;
  }

  /** Resolves when every submission so far is finished. */
  idle(): Promise<void> {
    return this.tail;
  }

  /** The mirror whose space a key of the residency's store belongs to, or `undefined`. */
  mirrorAt(residency: Residency, key: number): MirrorState | undefined {
    for (const mirror of this.mirrors) {
      const offset = key - mirror.space.base;
      if (offset >= 0 && offset < KEYS_PER_SPACE && mirror.residency === residency) return mirror;
    }
    return undefined;
  }

  /** Any mirror of a residency: one exists as long as anything is resident. */
  someMirror(residency: Residency): MirrorState | undefined {
    return this.mirrors.find((mirror) => mirror.residency === residency);
  }

  /** The batch that is being collected for a mirror. */
  batchOf(mirror: MirrorState): PagingBatch {
    if (mirror.batch === undefined) {
      mirror.batch = this.spare.pop() ?? new PagingBatch();
      this.open.push(mirror);
    }
    return mirror.batch;
  }

  /** Sends what was collected; `finish` runs when it is done, after those of earlier submissions. Returns undefined if all that has happened already. */
  send(
    window: number | undefined,
    finish: (parts: readonly Part[], away: MirrorError | undefined, incoming: MirrorError | undefined) => void,
  ): Promise<void> | undefined {
    const parts = this.open.map((mirror) => ({ mirror, batch: mirror.batch! }));
    for (const mirror of this.open) mirror.batch = undefined;
    this.open.length = 0;
    const away: Command[] = [];
    const incoming: Command[] = [];
    for (const { mirror, batch } of parts) takeEntries(batch, this.targetOf(mirror), away);
    for (const { mirror, batch } of parts) {
      const target = this.targetOf(mirror);
      bringHome(batch, target, away);
      bringIn(batch, target, window, incoming);
    }
    this.discardGiven(away);
    const first = away.length === 0 ? undefined : this.submit(away, undefined);
    const second = incoming.length === 0 ? undefined : this.submit(incoming, first);
    return this.whenDone(first, second, (awayError, incomingError) => {
      finish(parts, awayError, incomingError);
      for (const { batch } of parts) {
        batch.clear();
        this.spare.push(batch);
      }
    });
  }

  /** @throws MirrorError why the device is gone, once it is */
  checkNotLost(): void {
    if (this.lostError !== undefined) throw this.lostError;
  }

  /** Marks the device as gone; everything that waits for it is told. Idempotent. */
  lose(error: MirrorError): void {
    if (this.lostError !== undefined) return;
    this.lostError = error;
    this.onLost?.(error);
  }

  /** A device that fails paging work cannot be managed: it is closed, so that whatever waits for it learns of it. */
  private giveUp(failure: MirrorError): void {
    const gone = failure.code === 'DEVICE_LOST' || failure.code === 'CLOSED';
    const error = gone
      ? failure
      : new MirrorError('DEVICE_LOST', `${this.name} failed paging work and is given up: ${failure.message}`, {
          device: this.name,
          cause: failure,
        });
    this.lose(error);
    if (!gone) void this.device.close().catch(() => undefined);
  }

  private targetOf(mirror: MirrorState): BatchTarget {
    return {
      mmu: mirror.mmu.id,
      pageSize: this.pageSize,
      host: mirror.space.store.host,
      limit: this.device.limits.pagesPerCommand,
    };
  }

  /** Tells the device which frames were freed since the last submission. Those taken again meanwhile are filled after it. */
  private discardGiven(out: Command[]): void {
    const { given } = this.frames;
    const { pageSize } = this;
    const limit = this.device.limits.pagesPerCommand;
    for (let from = 0; from < given.length; from += limit) {
      const frames = given.items.slice(from, Math.min(given.length, from + limit));
      out.push({ kind: 'discard', pageSize, count: frames.length, frames });
    }
    given.clear();
  }

  private submit(commands: readonly Command[], after: Fence | undefined): Fence {
    const most = this.device.limits.commandsPerSubmit;
    let fence = after;
    for (let from = 0; from < commands.length; from += most) {
      const part = from === 0 && commands.length <= most ? commands : commands.slice(from, from + most);
      fence = this.queue.submit(part, fence === undefined ? undefined : { after: [fence] });
    }
    this.lastFence = fence!;
    return fence!;
  }

  private whenDone(first: Fence | undefined, second: Fence | undefined, finish: Finish): Promise<void> | undefined {
    if (this.unfinished === 0 && settled(first) && settled(second)) {
      this.finishWith(first?.error, second?.error, finish);
      return undefined;
    }
    this.unfinished++;
    this.tail = this.tail.then(async () => {
      const away = await this.outcome(first);
      const incoming = await this.outcome(second);
      this.unfinished--;
      this.finishWith(away, incoming, finish);
    });
    return this.tail;
  }

  private finishWith(away: MirrorError | undefined, incoming: MirrorError | undefined, finish: Finish): void {
    const fatal = away ?? (incoming?.code === 'OUT_OF_DEVICE_MEMORY' ? undefined : incoming);
    if (fatal !== undefined) this.giveUp(fatal);
    finish(away, incoming);
  }

  /** Waits for a fence. A paging queue never stalls on faults, so one that makes no progress hangs: the device is given up. */
  private async outcome(fence: Fence | undefined): Promise<MirrorError | undefined> {
    if (fence === undefined || fence.signaled) return undefined;
    if (fence.error !== undefined) return fence.error;
    try {
      await fence.wait({ timeoutMs: this.timeoutMs });
      return undefined;
    } catch (error) {
      const failure =
        error instanceof MirrorError
          ? error
          : new MirrorError('DEVICE_LOST', `${this.name}: a fence failed`, { cause: error });
      if (failure.code !== 'DEVICE_TIMEOUT') return failure;
      const cause = new MirrorError('DEVICE_LOST', `${this.name} hangs and is given up: ${failure.message}`, {
        device: this.name,
        cause: failure,
      });
      this.lose(cause);
      await this.device.close().catch(() => undefined);
      return cause;
    }
  }
}

function settled(fence: Fence | undefined): boolean {
  return fence === undefined || hasSettled(fence);
}

/** The queue for paging work: the paging queue of the highest priority. */
function pagingQueueOf(device: Device): CommandQueue {
  const order = { low: 0, normal: 1, high: 2 };
  const queues = device.queues.filter((queue) => queue.paging).sort((a, b) => order[b.priority] - order[a.priority]);
  const queue = queues[0];
  if (queue !== undefined) return queue;
  throw new MirrorError(
    'CONTRACT_VIOLATION',
    `${device.info.name} has no paging queue; a backend must offer at least one`,
    { device: device.info.name },
  );
}
