import type { CommandQueue, Device } from '../driver/index.js';
import type { UpdateQueues } from './update-queues.js';

/** Part of the time limit after which a flush waits no longer: what stands in front may wait for whoever waits for the flush. */
const PATIENCE = 1 / 4;

/**
 * The turn of flushes that a policy puts into a user queue behind other work. An empty submission keeps their place in it, and
 * meanwhile their invalidations stay in the map of dirty PTEs: whatever has to be sent sooner takes them along, so nothing ever
 * waits for a queue that may be stalled.
 */
export class FlushTurn {
  /** Called when the turn has come and the invalidations are still there. */
  onTurn: (() => void) | undefined;
  private readonly device: Device;
  private readonly queues: UpdateQueues;
  private readonly timeoutMs: number;
  private waiting: Promise<void> | undefined;
  private stop: AbortController | undefined;

  constructor(device: Device, queues: UpdateQueues, timeoutMs: number) {
    this.device = device;
    this.queues = queues;
    this.timeoutMs = timeoutMs;
  }

  /** Resolves when pending invalidations were sent; `undefined` where they can be sent at once. */
  wait(): Promise<void> | undefined {
    // What stalled may be what stands in front, and may wait for the one who flushes.
    if (this.device.faults.stalled > 0) return undefined;
    if (this.waiting !== undefined) return this.waiting;
    const queue = this.queues.busyChoice();
    return queue === undefined ? undefined : (this.waiting = this.waitIn(queue));
  }

  /** The invalidations are on their way. */
  end(): void {
    this.waiting = undefined;
    this.stop?.abort();
    this.stop = undefined;
  }

  private async waitIn(queue: CommandQueue): Promise<void> {
    const stop = new AbortController();
    this.stop = stop;
    try {
      await queue.submit([]).wait({ timeoutMs: this.timeoutMs * PATIENCE, signal: stop.signal });
    } catch {
      // Taken along, or without progress for too long: they wait no more.
    }
    if (stop.signal.aborted) return;
    this.end();
    this.onTurn?.();
  }
}
