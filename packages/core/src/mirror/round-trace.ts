import type { MirrorState } from './mirror-state.js';
import type { PagingBatch } from './paging-batch.js';
import type { PoolState } from './pool-state.js';

/** Reports what a round did in a mirror, if anybody listens. */
export function traceRound(
  pool: PoolState,
  mirror: MirrorState,
  batch: PagingBatch,
  queue: number,
  started: number,
): void {
  const { trace, id, pageSize } = mirror.space;
  if (!trace.active) return;
  const base = {
    time: started,
    duration: pool.device.now() - started,
    device: pool.name,
    space: id,
    queue,
    resident: pool.frames.used,
    pageSize,
  };
  const out = batch.home;
  const unmapped = batch.drop.length + batch.look.length + batch.leave.length;
  if (unmapped > 0) trace.emit({ ...base, type: 'unmap', count: unmapped });
  if (unmapped > 0) trace.emit({ ...base, type: 'flush', count: unmapped });
  if (out > 0) trace.emit({ ...base, type: 'copy', direction: 'out', count: out, bytes: out * pageSize });
  if (batch.copies.length > 0) {
    trace.emit({
      ...base,
      type: 'copy',
      direction: 'in',
      count: batch.copies.length,
      bytes: batch.copies.length * pageSize,
    });
  }
  if (batch.maps.length > 0) trace.emit({ ...base, type: 'map', count: batch.maps.length, page: batch.maps.pages[0]! });
  if (batch.replay) trace.emit({ time: started, device: pool.name, space: id, queue, type: 'replay' });
}

/** Reports the pages that a round pushed out, `dirty` of them written home, to the first space that listens. */
export function traceEviction(pool: PoolState, queue: number, count: number, dirty: number, started: number): void {
  if (count === 0) return;
  const mirror = pool.mirrors.find(({ space }) => space.trace.active);
  mirror?.space.trace.emit({
    type: 'eviction',
    time: started,
    duration: pool.device.now() - started,
    device: pool.name,
    queue,
    pageSize: pool.pageSize,
    resident: pool.frames.used,
    count,
    dirty,
  });
}
