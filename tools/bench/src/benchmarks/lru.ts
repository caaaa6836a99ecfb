import { LruEviction } from '@mirrorspace/core';
import { LRUCache } from 'mnemonist';
import type { Benchmark } from '../harness/benchmark.js';
import { compare, type Side } from '../harness/pair.js';
import { zipf } from '../harness/random.js';
import { atLeast, type Row, row } from '../harness/row.js';

const PAGES = 1_000_000;
const ACCESSES = 1 << 21;
/** Accesses that the policy is told of at once: as many as a mirror serves faults in a round. */
const BATCH = 256;
/** Share by which the misses of the two may differ: evicting after a batch spares a page that is used again within it. */
const TOLERANCE = 0.01;

/**
 * Accesses to a million pages by Zipf's law, with room for a tenth and for half of them. The subject is the LRU policy over the
 * page numbers themselves, told of accesses in batches; the peer is mnemonist's LRUCache over typed arrays, its quickest form. Both see the same stream.
 */
export const lru: Benchmark = {
  id: 'lru',
  title: "LRU over dense pages against mnemonist's LRUCache on the same Zipf stream",
  async run({ quick }) {
    const rows: Row[] = [];
    for (const skew of [1, 0.99]) {
      const stream = zipf(quick ? 1 << 20 : 1 << 22, PAGES, skew, 6);
      for (const share of [0.1, 0.5]) rows.push(await runCase(stream, skew, share, quick ? 4 : 24));
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
  if (Math.abs(subject.misses() / peer.misses() - 1) > TOLERANCE)
    throw new Error(`${subject.misses()} misses against ${peer.misses()}`);
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

/** Gives pages up after each batch, so many that the next one leaves it within `room`. */
function policy(stream: Uint32Array, room: number): Counted {
  const eviction = new LruEviction(PAGES);
  const blocked = new Uint8Array(PAGES);
  const victims = new Uint32Array(BATCH);
  let next = 0;
  let misses = 0;
  return {
    misses: () => misses,
    run() {
      for (let from = next; from < next + ACCESSES; from += BATCH) {
        const before = eviction.size;
        eviction.insert(stream.subarray(from, from + BATCH), BATCH);
        misses += eviction.size - before;
        const over = eviction.size - (room - BATCH);
        if (over > 0) eviction.victims(victims, over, blocked);
      }
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
