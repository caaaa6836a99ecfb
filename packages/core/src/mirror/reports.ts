import { CANCEL_CODES, type MirrorError } from '../driver/index.js';
import type { MirrorState } from './mirror-state.js';
import type { PoolState } from './pool-state.js';

/** Where and when something happened, for events. */
function base(pool: PoolState, mirror: MirrorState, since: number) {
  const { id, pageSize } = mirror.space;
  return { time: since, duration: pool.device.now() - since, device: pool.name, space: id, pageSize };
}

/** Reports that CPU entries are about to change: `count` of them are on the device. */
export function reportInvalidate(pool: PoolState, mirror: MirrorState, event: string, count: number): void {
  const { trace, id, pageSize } = mirror.space;
  trace.emit({ type: 'invalidate', time: pool.device.now(), device: pool.name, space: id, pageSize, count, event });
}

/** Reports that invalidations reached the device. */
export function reportFlush(pool: PoolState, mirror: MirrorState, queue: number, count: number, since: number): void {
  const { trace } = mirror.space;
  if (trace.active && count > 0) trace.emit({ ...base(pool, mirror, since), type: 'flush', queue, count });
}

/** Reports pages that were called home; `write`: the device keeps no copy. */
export function reportRecall(pool: PoolState, mirror: MirrorState, count: number, write: boolean, since: number): void {
  const { trace } = mirror.space;
  if (!trace.active || count === 0) return;
  trace.emit({ ...base(pool, mirror, since), type: 'recall', count, mode: write ? 'write' : 'read' });
}

/** Reports pages that moved on request. */
export function reportMigration(
  pool: PoolState,
  mirror: MirrorState,
  count: number,
  toDevice: boolean,
  since: number,
): void {
  const { trace, pageSize } = mirror.space;
  trace.counters.of(pageSize).migrateUs += pool.device.now() - since;
  if (!trace.active || count === 0) return;
  const [from, to] = toDevice ? ['host', pool.name] : [pool.name, 'host'];
  trace.emit({ ...base(pool, mirror, since), type: 'migration', count, from, to });
}

/** Reports pages that were brought before anyone faulted on them. */
export function reportPrefetch(pool: PoolState, mirror: MirrorState, count: number, since: number): void {
  const { trace } = mirror.space;
  if (trace.active && count > 0) trace.emit({ ...base(pool, mirror, since), type: 'prefetch', count });
}

/** Reports what a harvest found. */
export function reportHarvest(
  pool: PoolState,
  mirror: MirrorState,
  count: number,
  found: { readonly accessed: number; readonly dirty: number },
  since: number,
): void {
  const { trace } = mirror.space;
  if (!trace.active || count === 0) return;
  trace.emit({ ...base(pool, mirror, since), type: 'harvest', count, accessed: found.accessed, dirty: found.dirty });
}

/** Reports accesses that were failed. */
export function reportCancel(pool: PoolState, mirror: MirrorState, page: number, reason: number): void {
  const { trace, id, pageSize } = mirror.space;
  if (!trace.active) return;
  const code = CANCEL_CODES[reason] ?? 'IO';
  trace.emit({ type: 'cancel', time: pool.device.now(), device: pool.name, space: id, pageSize, count: 1, page, code });
}

/** Reports pages that were read from a source for a fault. */
export function reportPopulate(pool: PoolState, mirror: MirrorState, page: number, count: number, since: number): void {
  const { trace } = mirror.space;
  if (trace.active) trace.emit({ ...base(pool, mirror, since), type: 'populate', page, count });
}

/** Reports that faults have to wait for something. */
export function reportStall(pool: PoolState, waitsFor: string): void {
  for (const { space } of pool.mirrors) {
    if (!space.trace.active) continue;
    space.trace.emit({
      type: 'stall',
      time: pool.device.now(),
      device: pool.name,
      space: space.id,
      waiter: 'fault service',
      waitsFor,
    });
  }
}

/** Reports that the device is gone. */
export function reportLost(pool: PoolState, error: MirrorError): void {
  for (const { space } of pool.mirrors) {
    if (!space.trace.active) continue;
    space.trace.emit({
      type: 'lost',
      time: pool.device.now(),
      device: pool.name,
      space: space.id,
      reason: error.code === 'CLOSED' ? 'closed' : 'failed',
      message: error.message,
    });
  }
}
