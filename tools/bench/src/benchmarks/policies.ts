import { ClockEviction, type EvictionPolicy, LruEviction, pageTraceMeta, SieveEviction } from '@mirrorspace/core';
import { DenseReplay, memoryTrace, MirrorReplay, shapeOf, zipf } from '@mirrorspace/lab';
import { LRUCache } from 'mnemonist';
import type { Benchmark } from '../harness/benchmark.js';
import { compare, type Side } from '../harness/pair.js';
import { atLeast, type Row, row } from '../harness/row.js';

const PAGES = 1_000_000;
const ROOM = 100_000;
const REQUESTS = 20_000_000;
const ACCESSES = 1 << 21;
/** For the mirror: pages have 4 KiB, and the host has them all. */
const MIRRORED = 100_000;
const MIRROR_ROOM = 10_000;
/** What libCacheSim says of such a stream of 20 million requests, and by how much ours may differ. */
const TOLERANCE = 0.002;

interface Case {
  readonly name: string;
  readonly make: (capacity: number) => EvictionPolicy;
  readonly factor: number;
  readonly missRatio: number;
}

const CASES: readonly Case[] = [
  { name: 'LRU', make: (capacity) => new LruEviction(capacity), factor: 3, missRatio: 0.2218 },
  { name: 'CLOCK', make: (capacity) => new ClockEviction(capacity), factor: 8, missRatio: 0.215 },
  { name: 'SIEVE', make: (capacity) => new SieveEviction(capacity), factor: 6, missRatio: 0.185 },
];

/**
 * Policies alone, as the lab replays them, on 20 million requests by Zipf's law over a million pages with room for a tenth; and a whole mirror in simulated
 * time, which copies what it moves, on such a stream over a tenth of that. The peer is mnemonist's LRUCache over typed arrays on the same stream.
 */
export const policies: Benchmark = {
  id: 'policies',
  title: "policies alone against mnemonist's LRUCache on the same Zipf stream of 20 million requests",
  async run({ quick }) {
    const stream = zipf(quick ? REQUESTS / 10 : REQUESTS, PAGES, 1, 6);
    const rows: Row[] = [];
    for (const one of CASES) rows.push(await runCase(stream, one, quick));
    rows.push(await runMirror(quick));
    return rows;
  },
};

async function runCase(stream: Uint32Array, { name, make, factor, missRatio }: Case, quick: boolean): Promise<Row> {
  const units = Math.min(ACCESSES, stream.length);
  const subject = new DenseReplay(make(PAGES), PAGES, ROOM);
  const peer = cached(stream, ROOM);
  // Each goes through the stream once.
  const rounds = Math.ceil(stream.length / units) - (quick ? 0 : 1);
  const { ratio, subjectNs, peerNs } = await compare(
    through(stream.length, units, peer),
    through(stream.length, units, (from, to) => subject.access(stream, from, to)),
    { rounds, warmup: quick ? 0 : 1, units },
  );
  const found = subject.misses / subject.accesses;
  if (!quick && Math.abs(found - missRatio) > TOLERANCE) throw new Error(`${name} misses ${found}, not ${missRatio}`);
  return row(
    `${name}, Zipf 1, room for 100,000 of a million`,
    { measured: ratio.median, unit: 'x', spread: [ratio.low, ratio.high] },
    atLeast(factor),
    {
      'mirrorspace million accesses/s': 1000 / peerNs,
      'mnemonist million accesses/s': 1000 / subjectNs,
      'misses %': 100 * found,
    },
  );
}

async function runMirror(quick: boolean): Promise<Row> {
  const units = 1 << 19;
  const rounds = quick ? 2 : 12;
  const stream = zipf((rounds + 2) * units, MIRRORED, 1, 6);
  const trace = memoryTrace('zipf', 4096, stream, new Uint32Array(stream.length).fill(pageTraceMeta(false, 1)));
  const attach = { eviction: 'lru', prefetch: 'none' } as const;
  const replay = await MirrorReplay.open(4096, await shapeOf(trace), { room: MIRROR_ROOM, attach });
  try {
    let launch = 0;
    const mirror = async (from: number, to: number) => {
      // Records of another launch have what came before run.
      const metas = new Uint32Array(to - from).fill(pageTraceMeta(false, 1, launch++));
      await replay.play({ pages: stream.subarray(from, to), metas, count: to - from });
    };
    const { ratio, subjectNs, peerNs } = await compare(
      through(stream.length, units, cached(stream, MIRROR_ROOM)),
      through(stream.length, units, mirror),
      { rounds, warmup: 2, units },
    );
    const { accesses, pagesIn } = await replay.finish();
    return row(
      'a whole mirror in simulated time, LRU, Zipf 1, room for 10,000 of 100,000',
      { measured: ratio.median, unit: 'x', spread: [ratio.low, ratio.high] },
      atLeast(0.5),
      {
        'mirrorspace million accesses/s': 1000 / peerNs,
        'mnemonist million accesses/s': 1000 / subjectNs,
        'misses %': (100 * pagesIn) / accesses,
      },
    );
  } finally {
    await replay.close();
  }
}

/** Looks pages up in mnemonist's cache, and puts in what is not there. */
function cached(stream: Uint32Array, room: number): (from: number, to: number) => void {
  const cache = new LRUCache<number, number>(Uint32Array, Uint8Array, room);
  return (from, to) => {
    for (let i = from; i < to; i++) {
      const page = stream[i]!;
      if (cache.get(page) === undefined) cache.set(page, 1);
    }
  };
}

/** The next `units` of a stream of `length` a run; the last ones may be fewer, and then it begins anew. */
function through(length: number, units: number, access: (from: number, to: number) => void | Promise<void>): Side {
  let next = 0;
  return {
    run() {
      const from = next;
      next = from + units >= length ? 0 : from + units;
      return access(from, Math.min(length, from + units));
    },
  };
}
