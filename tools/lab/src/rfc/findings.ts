import { allocatedPerCallback } from './allocation.js';
import { type Callbacks, timeCallbacks } from './callbacks.js';
import { type ChangeRow, timeChanges } from './changes.js';
import type { CoalescingRow } from './coalescing.js';
import * as experiment from './experiment.js';
import type { HarvestRow } from './harvests.js';
import { countMetadata, type MetadataRow } from './metadata.js';
import { type FenceRow, fencesAcrossQueues, placementsUnderLoad, type QueueRow } from './queues.js';
import type { ShrinkRow } from './shrinker.js';

/** Everything that the experiments found. */
export interface Findings {
  readonly node: string;
  readonly changes: readonly ChangeRow[];
  readonly callbacks: Callbacks;
  /** Bytes that a callback allocates once it is warm. */
  readonly allocatedBytes: number;
  readonly sweep: readonly experiment.Row[];
  readonly coalescing: readonly CoalescingRow[];
  readonly queues: readonly QueueRow[];
  readonly fences: readonly FenceRow[];
  readonly preemptions: readonly experiment.Row[];
  readonly faultings: readonly experiment.FaultingRow[];
  readonly roundLengths: readonly experiment.Row[];
  readonly breakEvens: readonly experiment.BreakEven[];
  readonly harvests: readonly HarvestRow[];
  readonly shrinking: readonly ShrinkRow[];
  readonly metadata: readonly MetadataRow[];
}

/** Runs all experiments; those by the wall clock first, while the heap is small. */
export async function findAll(extent: experiment.Extent): Promise<Findings> {
  return {
    node: process.version,
    callbacks: await timeCallbacks(extent.fronts, extent.samples),
    allocatedBytes: await allocatedPerCallback(),
    changes: await timeChanges(),
    sweep: await experiment.sweep(extent),
    coalescing: await experiment.coalescing(extent),
    queues: await placementsUnderLoad(extent.loads),
    fences: await fencesAcrossQueues(extent.loads.filter((load) => ['nothing', 'launches', 'copies'].includes(load))),
    preemptions: await experiment.preemptions(extent),
    faultings: await experiment.faultings(extent),
    roundLengths: await experiment.roundLengths(extent),
    breakEvens: await experiment.breakEvens(extent),
    harvests: await experiment.harvests(),
    shrinking: await experiment.shrinking(),
    metadata: await countMetadata(),
  };
}
