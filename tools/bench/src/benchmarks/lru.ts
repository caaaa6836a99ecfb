import { LruEviction } from '@mirrorspace/core';
import { LRUCache } from 'mnemonist';
import type { Benchmark } from '../harness/benchmark.js';
import { compare, type Side } from '../harness/pair.js';
import { zipf } from '../harness/random.js';
import { atLeast, type Row, row } from '../harness/row.js';

const PAGES = 1_000_000;
const ACCESSES = 1 << 18;

/**
 * Accesses to a million pages by Zipf's law, with room for a tenth and for half of them. The subject is the LRU policy over
 * frames, found by page in an array as mirrors do; the peer is mnemonist's LRUCache over typed arrays, its quickest form. Both see the same stream.
 */
export const lru: Benchmark = {
  id: 'lru',
  title: "LRU over dense pages against mnemonist's LRUCache on the same Zipf stream",
  async run({ quick }) {
    const rows: Row[] = [];
    for (const skew of [1, 0.99]) {
      const stream = zipf(quick ? 1 << 20 : 1 << 22, PAGES, skew, 6);
      for (const share of [0.1, 0.5]) rows.push(await runCase(stream, skew, share, quick ? 12 : 48));
    }
    return rows;
  },
};

async function runCase(stream: Uint32Array, skew: number, share: number, rounds: number): Promise<Row> {
  const capacity = PAGES * share;
  const subject = policy(stream, capacity);
  const peer = cache(stream, capacity);
  const options = { rounds, warmup: stream.length / ACCESSES, units: ACCESSES };
  const { ratio, subjectNs, peerNs } = await compare(peer, subject, options);
  if (subject.misses() !== peer.misses()) throw new Error(`${subject.misses()} misses against ${peer.misses()}`);
  return row(
    `LRU, Zipf ${skew}, room for ${capacity.toLocaleString('en')} of a million`,
    { measured: ratio.median, unit: 'x', spread: [ratio.low, ratio.high] },
    atLeast(3),
    {
      'mirrorspace million accesses/s': 1000 / peerNs,
      'mnemonist million accesses/s': 1000 / subjectNs,
      'misses %': (100 * subject.misses()) / ((rounds + options.warmup) * ACCESSES),
    },
  );
}

interface Counted extends Side {
  misses(): number;
}

function policy(stream: Uint32Array, capacity: number): Counted {
  const eviction = new LruEviction(capacity);
  const blocked = new Uint8Array(capacity);
  const victim = new Uint32Array(1);
  /** Frame + 1 of each page, and page of each frame: what a mirror keeps anyway. */
  const frameOf = new Uint32Array(PAGES);
  const pageOf = new Uint32Array(capacity);
  /** Hits since the last miss: the policy takes accesses in batches, the most recent last. */
  const hits = new Uint32Array(ACCESSES);
  let hitCount = 0;
  let next = 0;
  let misses = 0;
  return {
    misses: () => misses,
    run() {
      for (let i = 0; i < ACCESSES; i++) {
        const page = stream[next + i]!;
        let frame = frameOf[page]! - 1;
        if (frame >= 0) {
          hits[hitCount++] = frame;
          continue;
        }
        eviction.touch(hits, hitCount);
        hitCount = 0;
        frame = misses++;
        if (frame >= capacity) {
          eviction.victims(victim, 1, blocked);
          frame = victim[0]!;
          frameOf[pageOf[frame]!] = 0;
        }
        pageOf[frame] = page;
        frameOf[page] = frame + 1;
        eviction.insertOne(frame);
      }
      eviction.touch(hits, hitCount);
      hitCount = 0;
      next = (next + ACCESSES) % stream.length;
    },
  };
}

function cache(stream: Uint32Array, capacity: number): Counted {
  const entries = new LRUCache<number, number>(Uint32Array, Uint8Array, capacity);
  let next = 0;
  let misses = 0;
  return {
    misses: () => misses,
    run() {
      for (let i = 0; i < ACCESSES; i++) {
        const page = stream[next + i]!;
        if (entries.get(page) !== undefined) continue;
        misses++;
        entries.set(page, 1);
      }
      next = (next + ACCESSES) % stream.length;
    },
  };
}
