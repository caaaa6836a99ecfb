import { type EvictionName, evictionPolicies } from '@mirrorspace/core';
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
export function replayStream(pages: Uint32Array, policy: BareName, room: number, refill = 1): BareResult {
  if (policy === 'belady') return result(policy, room, belady(pages, room));
  const replay = new BareReplay({ room, eviction: evictionPolicies[policy], refill });
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
  const kept: { pages: Uint32Array; metas: Uint32Array }[] = [];
  for await (const { pages, metas, count } of trace.chunks()) {
    for (const { replay } of runs) replay.access(pages, 0, count, metas);
    if (policies.includes('belady')) kept.push({ pages: pages.slice(0, count), metas: metas.slice(0, count) });
  }
  const results = runs.map(({ policy, room, replay }) => result(policy, room, replay.counts));
  if (!policies.includes('belady')) return results;
  const pages = joined(kept.map((part) => part.pages));
  const metas = joined(kept.map((part) => part.metas));
  for (const room of rooms) results.push(result('belady', room, belady(pages, room, metas)));
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

function joined(parts: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
