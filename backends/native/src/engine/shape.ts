import type { QueuePriority } from '@mirrorspace/core/driver';
import type { Shape } from './layout.js';
import type { NativeConfig } from './options.js';

/** Order in which queues get their turn. */
export const RANK = { low: 0, normal: 1, high: 2 } as const;

/** Priorities of a device's queues by id; the first is the paging queue. */
export function prioritiesOf(queues: number): QueuePriority[] {
  return ['high', ...Array<QueuePriority>(queues).fill('normal'), 'high', 'low'];
}

/** What the threads of a device are told about it. */
export function shapeOf(config: NativeConfig): Shape {
  const { pageSizes, units, memory, unitMs } = config;
  const ranks = [...prioritiesOf(config.queues).map((priority) => RANK[priority]), RANK.high];
  const pageShift = Math.log2(pageSizes[0]!);
  const sizeShifts = pageSizes.map((size) => Math.log2(size) - pageShift);
  return { lanes: ranks.length, units, pageShift, sizeShifts, memory, unitMs, ranks };
}
