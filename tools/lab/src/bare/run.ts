import { type EvictionName, evictionPolicies } from '@mirrorspace/core';
import { loadTrace } from '../trace/memory-trace.js';
import type { PageTrace } from '../trace/page-trace.js';
import { BeladyEviction, type Future, NEVER, nextUses } from './belady.js';
import { type BareCounts, BareReplay } from './replay.js';

/** A policy that comes with core, or `belady`. */
export type BareName = EvictionName | 'belady';

/** All of them. */
export const BARE_NAMES: readonly BareName[] = [...(Object.keys(evictionPolicies) as EvictionName[]), 'belady'];

/** One policy on one stream. */
export interface BareResult extends BareCounts {
  readonly policy: BareName;
  readonly room: number;
  readonly missRatio: number;
}

/** Replays accesses that are all in memory. */
export function replayStream(pages: Uint32Array, policy: BareName, room: number): BareResult {
  if (policy === 'belady') return result(policy, room, belady(pages, room));
  const replay = new BareReplay({ room, eviction: evictionPolicies[policy] });
  replay.access(pages, 0, pages.length);
  return result(policy, room, replay.counts);
}

/** Replays a trace, reading it once for all policies; for `belady` it has to be in memory. */
export async function replayTrace(
  trace: PageTrace,
  policies: readonly BareName[],
  rooms: readonly number[],
): Promise<BareResult[]> {
  const { pageSize } = trace;
  const runs = rooms.flatMap((room) =>
    policies
      .filter((policy) => policy !== 'belady')
      .map((policy) => ({
        policy,
        room,
        replay: new BareReplay({ room, eviction: evictionPolicies[policy], pageSize }),
      })),
  );
  const whole = policies.includes('belady') ? await loadTrace(trace) : undefined;
  for await (const { pages, metas, count } of (whole ?? trace).chunks())
    for (const { replay } of runs) replay.access(pages, 0, count, metas);
  const results = runs.map(({ policy, room, replay }) => result(policy, room, replay.counts));
  if (whole !== undefined)
    for (const room of rooms) results.push(result('belady', room, belady(whole.pages, room, whole.metas)));
  return results;
}

/** Accesses up to each miss are heard of before room is made for it, so the future is kept one access at a time. */
function belady(pages: Uint32Array, room: number, metas?: Uint32Array): BareCounts {
  const next = nextUses(pages);
  const known = new Uint32Array(pages.reduce((last, page) => Math.max(last, page), 0) + 1).fill(NEVER);
  const future: Future = { nextOf: (page) => known[page]! };
  const replay = new BareReplay({ room, eviction: (capacity) => new BeladyEviction(capacity, future) });
  for (let i = 0; i < pages.length; i++) {
    known[pages[i]!] = next[i]!;
    replay.access(pages, i, i + 1, metas);
  }
  return replay.counts;
}

function result(policy: BareName, room: number, counts: BareCounts): BareResult {
  return { policy, room, ...counts, missRatio: counts.accesses === 0 ? 0 : counts.misses / counts.accesses };
}
