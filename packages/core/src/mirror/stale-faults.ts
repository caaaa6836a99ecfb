import type { FaultBatch } from '../driver/index.js';

/**
 * Faults that lie in a device's buffer although what faulted has failed. Served, they would do to the space what nobody wants any more:
 * a write fault makes a private page, also where something else was mapped since.
 */
export class StaleFaults {
  /** By queue: how many of the next faults to be drained were in the buffer when something of that queue failed. */
  private readonly left = new Map<number, number>();

  /** Something of a queue failed while so many faults were in the buffer. */
  add(queue: number, pending: number): void {
    if (pending > 0) this.left.set(queue, pending);
  }

  /** The buffer was emptied. */
  clear(): void {
    this.left.clear();
  }

  /** Takes the stale ones out of what was drained; returns how many there were. */
  takeFrom(batch: FaultBatch): number {
    const { left } = this;
    if (left.size === 0) return 0;
    const { count, mmus, pages, access, queues } = batch;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (i < (left.get(queues[i]!) ?? 0)) continue;
      mmus[kept] = mmus[i]!;
      pages[kept] = pages[i]!;
      access[kept] = access[i]!;
      queues[kept++] = queues[i]!;
    }
    batch.count = kept;
    for (const [queue, pending] of left) {
      if (pending > count) left.set(queue, pending - count);
      else left.delete(queue);
    }
    return count - kept;
  }
}
