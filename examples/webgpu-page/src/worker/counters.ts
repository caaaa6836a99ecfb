import type { Mirror } from '@mirrorspace/core';
import type { WebgpuDevice } from '@mirrorspace/webgpu';
import type { Counters } from '../messages.js';

/** The counters that the page shows, as they are now. */
export function countersOf({ stats }: Mirror, { memoryUse }: WebgpuDevice): Counters {
  const { faults, evictions, bytesIn, bytesOut } = stats;
  return { faults, evictions, bytesIn, bytesOut, memoryUse };
}
