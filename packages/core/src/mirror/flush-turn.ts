import type { CommandQueue } from '../driver/index.js';
import type { UpdateQueues } from './update-queues.js';

/** Part of the time limit after which a flush waits no longer: what stands in front may wait for whoever waits for the flush. */
const PATIENCE = 1 / 4;

/**
 * The turn of flushes that a policy puts into a user queue behind other work. An empty submission keeps their place in it, and
 * meanwhile their invalidations stay in the map of dirty PTEs: whatever has to be sent sooner takes them along, so nothing ever
 * waits for a queue that may be stalled.
 */
export class FlushTurn {
  private readonly queues: UpdateQueues;
  private readonly timeoutMs: number;
  private waiting: Promise<void> | undefined;
  private stop: AbortController | undefined;

  constructor(queues: UpdateQueues, timeoutMs: number) {
    this.queues = queues;
    this.timeoutMs = timeoutMs;
  }

  /** Resolves when pending invalidations can be sent, or were; `undefined` where they can be sent at once. */
  wait(): Promise<void> | undefined {
    if (this.waiting !== undefined) return this.waiting;
    const queue = this.queues.busyChoice();
    return queue === undefined ? undefined : (this.waiting = this.waitIn(queue));
  }

  /** The invalidations are on their way. */
  end(): void {
    this.stop?.abort();
  }

  private async waitIn(queue: CommandQueue): Promise<void> {
    this.stop = new AbortController();
    try {
      await queue.submit([]).wait({ timeoutMs: this.timeoutMs * PATIENCE, signal: this.stop.signal });
    } catch {
      // Taken along, or without progress for too long: they wait no more.
    } finally {
      this.stop = undefined;
      this.waiting = undefined;
    }
  }
}
