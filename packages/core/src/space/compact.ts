import { checkHostMigration, type HostMigrationOptions } from './host-migration.js';
import { alone, type MoveResult, runMoves } from './mover.js';
import type { SpaceState } from './state.js';

/** What a compaction did. */
export interface CompactResult extends MoveResult {
  /** Bytes of host storage that were given back. */
  readonly bytesFreed: number;
}

/** Empties sparsely used storage of a space's host memory by moving pages out of it, whichever spaces they belong to. */
export async function compactHost(space: SpaceState, options: HostMigrationOptions): Promise<CompactResult> {
  const policy = checkHostMigration(options);
  const { host } = space.store;
  return alone(space, options, async () => {
    const compaction = host.beginCompaction?.();
    if (compaction === undefined) return { moved: 0, refused: 0, bytesFreed: 0 };
    const { frames } = compaction;
    const job = { count: frames.length, pageAt: (i: number) => frames[i]!, take: () => compaction.take() };
    try {
      const result = await runMoves(space, job, policy, options);
      return { ...result, bytesFreed: compaction.end() };
    } catch (error) {
      compaction.end();
      throw error;
    }
  });
}
