import { type Command, type CommandQueue, type Device, type Fence, hasSettled, MirrorError } from '../driver/index.js';
import type { EvictionFactory, FlushPolicy, PreemptionPolicy, QueuePolicy, UpdateKind } from '../policy/index.js';
import { KEYS_PER_SPACE } from '../space/index.js';
import { FlushTurn } from './flush-turn.js';
import { FrameTable } from './frame-table.js';
import type { MirrorState } from './mirror-state.js';
import { type BatchTarget, bringHome, bringIn, PagingBatch, takeEntries } from './paging-batch.js';
import type { Residency } from './residency.js';
import { type UpdateOptions, UpdateQueues } from './update-queues.js';
import { Urgency } from './urgency.js';

/** A batch and the mirror it belongs to. */
export interface Part {
  readonly mirror: MirrorState;
  readonly batch: PagingBatch;
}

/** How a device's memory is managed; the same for all mirrors on it. */
export interface PoolOptions {
  readonly pageSize: number;
  readonly eviction: EvictionFactory;
  readonly flush: FlushPolicy;
  /** Most faults a round. */
  readonly batch: number;
  /** Frames looked at for each one given up; 0: none. */
  readonly sampling: number;
  /** Evictions after which accessed bits are harvested, as a share of the device's frames; 0: never. */
  readonly aging: number;
  /** Milliseconds without progress before the device, or what a fault waits for, counts as stuck. */
  readonly timeoutMs: number;
  readonly updateQueue: QueuePolicy;
  readonly preemption: PreemptionPolicy;
}

/** The two halves of a submission of batches, as far as they were taken, and why not. */
interface Sent {
  queue: number;
  first: Fence | undefined;
  second: Fence | undefined;
  refusal: MirrorError | undefined;
}

/** How a submission of batches ended: errors of its two halves, `undefined` where they took effect. */
export type Finish = (away: MirrorError | undefined, incoming: MirrorError | undefined) => void;

/** As {@link Finish}, with what was sent, and the id of the queue it went to. */
export type FinishParts = (
  parts: readonly Part[],
  away: MirrorError | undefined,
  incoming: MirrorError | undefined,
  queue: number,
) => void;

/**
 * A device's memory and the queues by which it is managed: what flush, recall and fault service have in common. Batches are
 * collected synchronously, sent as one or two submissions, and finished in the order in which they were sent.
 */
export class PoolState {
  readonly device: Device;
  readonly queues: UpdateQueues;
  readonly urgency: Urgency;
  readonly turn: FlushTurn;
  readonly pageSize: number;
  readonly frames: FrameTable;
  /** Whether the device can tell what it used. */
  readonly tellsUse: boolean;
  readonly mirrors: MirrorState[] = [];
  readonly residencies: (Residency | undefined)[] = [];
  /** Milliseconds without progress before the device counts as hung. */
  readonly timeoutMs: number;
  /** Why the device is gone, once it is. */
  lostError: MirrorError | undefined;
  /** Called once when the device is gone. */
  onLost: ((error: MirrorError) => void) | undefined;
  /** Pages that were chosen to leave so far. */
  evictions = 0;
  /** Pages that came before anyone asked for them so far. */
  broughtAhead = 0;
  /** Resolves when the harvests so far are in. */
  harvesting: Promise<void> = Promise.resolve();
  /** Harvests under way. */
  harvests = 0;
  /** Fences of those for which nothing waits. */
  readonly sampling = new Set<Fence>();
  private readonly open: MirrorState[] = [];
  private readonly spare: PagingBatch[] = [];
  private tail: Promise<void> = Promise.resolve();
  private unfinished = 0;

  constructor(device: Device, options: PoolOptions) {
    const { pageSize, eviction, timeoutMs } = options;
    this.device = device;
    this.tellsUse = device.features.has('accessed-bits');
    this.pageSize = pageSize;
    this.timeoutMs = timeoutMs;
    this.queues = new UpdateQueues(device, options.updateQueue);
    this.urgency = new Urgency(device, options.preemption);
    this.turn = new FlushTurn(device, this.queues, timeoutMs);
    const capacity = Math.floor(device.limits.memory / pageSize);
    this.frames = new FrameTable(capacity, eviction(capacity, pageSize));
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

  /** Whether nothing but invalidations was collected. */
  private get isPure(): boolean {
    return this.open.every(({ batch }) => batch!.isDropOnly);
  }

  /** Sends what was collected; `finish` runs when it is done, after those of earlier submissions. Returns undefined if all that has happened already. */
  send(purpose: UpdateKind, window: number | undefined, finish: FinishParts): Promise<void> | undefined {
    const kind = purpose === 'recall' ? purpose : this.isPure ? 'flush' : 'fault';
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
    // Nobody waits for the device to hear that frames are free.
    const idle = away.length + incoming.length === 0;
    this.discardGiven(away);
    const sent: Sent = { queue: this.queues.paging.id, first: undefined, second: undefined, refusal: undefined };
    try {
      const queue = idle ? this.queues.paging : this.queues.choose(kind);
      const urgent = !idle && queue.paging && this.urgency.decide(kind);
      sent.queue = queue.id;
      if (away.length > 0) sent.first = this.submit(queue, away, { urgent });
      if (incoming.length > 0) sent.second = this.submit(queue, incoming, { after: sent.first, urgent, mayFail: true });
      const last = sent.second ?? sent.first;
      if (last !== undefined && !idle && !urgent && queue.paging) this.urgency.measure(kind, last);
    } catch (cause) {
      sent.refusal = this.refusalOf(cause);
    }
    return this.whenDone(sent, (awayError, incomingError) => {
      finish(parts, awayError, incomingError, sent.queue);
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

  /** A device that cannot be managed is closed, so that whatever waits for it learns of it. */
  giveUp(error: MirrorError): void {
    this.lose(error);
    void this.device.close().catch(() => undefined);
  }

  private failed(failure: MirrorError): void {
    if (failure.code === 'DEVICE_LOST' || failure.code === 'CLOSED') this.lose(failure);
    else
      this.giveUp(
        new MirrorError('DEVICE_LOST', `${this.name} failed paging work and is given up: ${failure.message}`, {
          device: this.name,
          cause: failure,
        }),
      );
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

  private submit(queue: CommandQueue, commands: readonly Command[], options: UpdateOptions): Fence {
    const most = this.device.limits.commandsPerSubmit;
    let fence = options.after;
    for (let from = 0; from < commands.length; from += most) {
      const part = from === 0 && commands.length <= most ? commands : commands.slice(from, from + most);
      fence = this.queues.submit(queue, part, { ...options, after: fence });
    }
    return fence!;
  }

  private whenDone({ first, second, refusal }: Sent, finish: Finish): Promise<void> | undefined {
    // Behind what was refused nothing was sent.
    const before = first === undefined ? refusal : undefined;
    if (this.unfinished === 0 && settled(first) && settled(second)) {
      this.finishWith(before ?? first?.error, refusal ?? second?.error, finish);
      return undefined;
    }
    this.unfinished++;
    this.tail = this.tail.then(async () => {
      const away = before ?? (await this.outcome(first));
      const incoming = refusal ?? (await this.outcome(second));
      this.unfinished--;
      this.finishWith(away, incoming, finish);
    });
    return this.tail;
  }

  private refusalOf(cause: unknown): MirrorError {
    if (cause instanceof MirrorError) return cause;
    const what = cause instanceof Error ? cause.message : String(cause);
    return new MirrorError('CONTRACT_VIOLATION', `a submission was not taken: ${what}`, { device: this.name, cause });
  }

  private finishWith(away: MirrorError | undefined, incoming: MirrorError | undefined, finish: Finish): void {
    const fatal = away ?? (incoming?.code === 'OUT_OF_DEVICE_MEMORY' ? undefined : incoming);
    if (fatal !== undefined) this.failed(fatal);
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
