import type { Device, FaultBatch, FaultSource } from '../../src/driver/index.js';
import { FAULT_READ } from '../../src/driver/index.js';
import { like } from './rig.js';

/** A fault source that differs from `inner` in what is given. */
export function relay(
  inner: FaultSource,
  changes: { retired?: () => number; drain?: FaultSource['drain'] },
): FaultSource {
  return {
    capacity: inner.capacity,
    get pending() {
      return inner.pending;
    },
    get dropped() {
      return inner.dropped;
    },
    get retired() {
      return changes.retired?.() ?? inner.retired;
    },
    get stalled() {
      return inner.stalled;
    },
    listen: (listener) => inner.listen(listener),
    drain: changes.drain ?? ((batch) => inner.drain(batch)),
  };
}

/** A device that reports faults of its own invention, one a drain. */
export const inventing =
  (mmu: number, page: number, access = FAULT_READ, queue = 0) =>
  (inner: Device): Device => {
    let invented = 0;
    const drain = (batch: FaultBatch): number => {
      inner.faults.drain(batch);
      if (invented++ === 0) return batch.count;
      batch.mmus[batch.count] = mmu;
      batch.pages[batch.count] = page;
      batch.access[batch.count] = access;
      batch.queues[batch.count] = queue;
      return ++batch.count;
    };
    return like(inner, { faults: relay(inner.faults, { drain }) });
  };
