import { type EvictionName, evictionPolicies } from '@mirrorspace/core';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { BeladyEviction, NEVER, nextUses } from '../../src/bare/belady.js';
import { DenseReplay } from '../../src/bare/dense-replay.js';
import { BareReplay } from '../../src/bare/replay.js';
import { BARE_NAMES, replayStream, replayTrace } from '../../src/bare/run.js';
import { cycle, scan, twoPhases, zipf } from '../../src/bare/streams.js';
import { lackeyTrace } from '../../src/trace/lackey.js';
import { fileOf } from '../trace/helpers.js';

const stream = (...pages: number[]) => Uint32Array.from(pages);

/** Tries every choice: the fewest misses there can be. */
function fewest(pages: readonly number[], room: number): number {
  let states = new Map<string, number>([['', 0]]);
  for (const page of pages) {
    const next = new Map<string, number>();
    const reach = (there: readonly number[], misses: number) => {
      const key = there.toSorted((a, b) => a - b).join();
      if (misses < (next.get(key) ?? Infinity)) next.set(key, misses);
    };
    for (const [key, misses] of states) {
      const there = key === '' ? [] : key.split(',').map(Number);
      if (there.includes(page)) reach(there, misses);
      else if (there.length < room) reach([...there, page], misses + 1);
      else for (const gone of there) reach([...there.filter((other) => other !== gone), page], misses + 1);
    }
    states = next;
  }
  return Math.min(...states.values());
}

describe('belady', () => {
  it('has 7 and 6 faults where FIFO has 9 and 10 (Belady, Nelson and Shedler 1969), and 9 on the textbook’s stream', () => {
    const anomaly = stream(1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5);
    expect([3, 4].map((room) => replayStream(anomaly, 'belady', room).misses)).toEqual([7, 6]);
    expect([3, 4].map((room) => replayStream(anomaly, 'fifo', room).misses)).toEqual([9, 10]);
    const textbook = stream(7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1);
    expect(replayStream(textbook, 'belady', 3).misses).toBe(9);
  });

  it('misses as little as any choice can, and no other policy less', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 25 }),
        fc.integer({ min: 1, max: 4 }),
        (pages, room) => {
          expect(replayStream(Uint32Array.from(pages), 'belady', room).misses).toBe(fewest(pages, room));
        },
      ),
      { numRuns: 100 },
    );
    const pages = zipf(20_000, 2000, 1, 3);
    const least = replayStream(pages, 'belady', 200).misses;
    for (const name of BARE_NAMES) expect(replayStream(pages, name, 200).misses).toBeGreaterThanOrEqual(least);
  });

  it('knows the next use of each access', () => {
    expect([...nextUses(stream(5, 3, 5, 5, 3))]).toEqual([2, 4, 3, NEVER, NEVER]);
  });

  it('passes over what is blocked, and forgets what is removed', () => {
    const policy = new BeladyEviction(4, { nextOf: (page) => page });
    policy.insert(Uint32Array.of(0, 1, 2, 3), 4, Float64Array.of(10, 40, 30, 20));
    const out = new Uint32Array(4);
    policy.remove(Uint32Array.of(2), 1);
    expect([...out.subarray(0, policy.victims(out, 2, Uint8Array.of(0, 1, 0, 0)))]).toEqual([3, 0]);
    expect([policy.size, policy.victims(out, 4, new Uint8Array(4)), out[0]]).toEqual([1, 1, 1]);
  });
});

describe('known answers', () => {
  test.each(BARE_NAMES)('%s: a scan misses everything, what fits misses once', (name) => {
    expect(replayStream(scan(3000), name, 100).missRatio).toBe(1);
    expect(replayStream(cycle(100, 10), name, 100).misses).toBe(100);
  });

  test('a cycle one page larger than memory: LRU always misses, the optimum once in a hundred', () => {
    const pages = cycle(101, 100);
    expect(replayStream(pages, 'lru', 100).missRatio).toBe(1);
    // 101 to begin with; then each miss saves a round less a page: every hundredth access.
    const { misses } = replayStream(pages, 'belady', 100);
    expect(misses).toBe(101 + Math.floor((pages.length - 101) / 100));
    expect(replayStream(pages, 'random', 100).missRatio).toBeLessThan(0.9);
  });

  test('two phases: each page misses once, where both sets fit on their own', () => {
    const pages = twoPhases(80, 5000, 1);
    for (const name of ['lru', 'fifo', 'clock', '2q', 'belady'] as const)
      expect(replayStream(pages, name, 100).misses).toBeLessThan(name === 'belady' ? 161 : 320);
    expect(replayStream(pages, 'belady', 100).misses).toBe(160);
  });

  test('Zipf: the order of the policies', () => {
    // A fiftieth of the 20 million requests over a million pages on which `lab bare zipf` gives what libCacheSim does.
    const pages = zipf(400_000, 10_000, 1, 6);
    const ratio = (name: (typeof BARE_NAMES)[number]) => replayStream(pages, name, 1000).missRatio;
    const ratios = (['fifo', 'lru', 'clock', 'arc', 'sieve', 'belady'] as const).map(ratio);
    expect(ratios).toEqual(ratios.toSorted((one, other) => other - one));
    expect(ratio('s3-fifo')).toBeCloseTo(ratio('sieve'), 2);
  });
});

describe('replay', () => {
  const small = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 400 });

  it('counts what is written as a copy home when it leaves', () => {
    const replay = new BareReplay({ room: 2, eviction: evictionPolicies.fifo });
    // Page 1 is written, page 2 is not; then page 3 is, twice.
    replay.access(stream(1, 2, 3, 3, 4, 5), 0, 6, stream(1, 0, 0, 1, 0, 0));
    expect(replay.counts).toEqual({ accesses: 6, misses: 5, evictions: 3, writeBacks: 2 });
    expect([1, 3, 4, 5].map((page) => replay.has(page))).toEqual([false, false, true, true]);
  });

  it('does not care how accesses come in portions, and never has more than fits', () => {
    const names = Object.keys(evictionPolicies) as EvictionName[];
    fc.assert(
      fc.property(small, fc.constantFrom(...names), fc.integer({ min: 1, max: 20 }), (list, name, room) => {
        const pages = Uint32Array.from(list);
        const whole = new BareReplay({ room, eviction: evictionPolicies[name] });
        whole.access(pages, 0, pages.length);
        const parts = new BareReplay({ room, eviction: evictionPolicies[name] });
        for (let i = 0; i < pages.length; i++) parts.access(pages, i, i + 1);
        expect(parts.counts).toEqual(whole.counts);
        expect(whole.policy.size).toBeLessThanOrEqual(room);
        expect(whole.counts.misses - whole.counts.evictions).toBe(whole.policy.size);
      }),
    );
  });

  test.each(['fifo', 'lru', 'clock', 'sieve', 'lfu'] as const)(
    '%s over page numbers misses about as over frames',
    (name) => {
      const pages = zipf(100_000, 20_000, 1, 9);
      const dense = new DenseReplay(evictionPolicies[name](20_000, 4096), 20_000, 4000);
      dense.access(pages, 0, 60_000);
      dense.access(pages, 60_000, pages.length);
      expect(dense.misses / dense.accesses).toBeCloseTo(replayStream(pages, name, 4000).missRatio, 1.7);
      expect(dense.accesses).toBe(100_000);
    },
  );

  it('refuses what makes no sense', () => {
    expect(() => new BareReplay({ room: 0, eviction: evictionPolicies.lru })).toThrow(RangeError);
    expect(() => new DenseReplay(evictionPolicies.lru(10, 4096), 10, 256)).toThrow(RangeError);
    const replay = new BareReplay({ room: 4, eviction: evictionPolicies.lru });
    expect(() => replay.access(stream(2 ** 29), 0, 1)).toThrow(RangeError);
  });

  it('reads a trace once for all policies and sizes', async () => {
    const text = [1, 2, 3, 1, 2, 3].map((page) => ` ${page === 2 ? 'S' : 'L'} ${page}000,4\n`).join('');
    const trace = lackeyTrace(await fileOf('t.lackey', text));
    const results = await replayTrace(trace, ['lru', 'belady'], [2, 3]);
    expect(results.map(({ policy, room, misses, writeBacks }) => [policy, room, misses, writeBacks])).toEqual([
      ['lru', 2, 6, 1],
      ['lru', 3, 3, 0],
      ['belady', 2, 4, 1],
      ['belady', 3, 3, 0],
    ]);
  });
});
