import { describe, expect, test } from 'vitest';
import {
  CleanFirstLruEviction,
  type EvictionName,
  evictionPolicies,
  FRAME_BLOCKED,
  RandomEviction,
} from '../../../src/policy/index.js';
import { Cache } from './cache.js';

const cache = (name: EvictionName, room: number) => new Cache(evictionPolicies[name], room);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('streams from the literature', () => {
  /** Belady, Nelson and Shedler, "An anomaly in space-time characteristics of certain programs", CACM 1969. */
  const anomaly = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5];
  /** Silberschatz, Galvin and Gagne, "Operating system concepts", 10.4: three frames. */
  const textbook = [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1];
  const short = [7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1];

  test('FIFO: more frames, more faults; LRU: never', () => {
    expect([cache('fifo', 3).misses(anomaly), cache('fifo', 4).misses(anomaly)]).toEqual([9, 10]);
    expect([cache('lru', 3).misses(anomaly), cache('lru', 4).misses(anomaly)]).toEqual([10, 8]);
  });

  test('FIFO has 15 faults, LRU 12', () => {
    expect([cache('fifo', 3).misses(short), cache('lru', 3).misses(short)]).toEqual([15, 12]);
    expect(cache('lru', 3).misses(textbook)).toBe(12);
  });
});

describe('by hand', () => {
  test('CLOCK gives a second chance to what was accessed, and clears its bit', () => {
    // Frames 1 2 3; 1 and 2 are accessed. For 4 the hand clears 1 and 2 and takes 3; for 5 it goes on with 1.
    expect(cache('clock', 3).evictions([1, 2, 3, 1, 2, 4, 5])).toEqual([3, 1]);
    // 4 was accessed before the hand came by, 2 was not.
    expect(cache('clock', 3).evictions([1, 2, 3, 4, 4, 1, 5, 6])).toEqual([1, 2, 3, 1]);
  });

  test('SIEVE leaves survivors where they are, and its hand goes on from there (algorithm 1)', () => {
    // Oldest first: 1 2 3 4, of which 1 and 3 are visited. For 5 the hand passes 1 and takes 2; for 6 it passes 3, takes 4.
    // Then the hand stands at 5, which is younger: 7 takes it, though 1 and 3 are older and not visited any more.
    expect(cache('sieve', 4).evictions([1, 2, 3, 4, 1, 3, 5, 6, 7])).toEqual([2, 4, 5]);
    // At the young end it begins anew with the oldest.
    expect(cache('sieve', 4).evictions([1, 2, 3, 4, 1, 3, 5, 6, 7, 8, 9])).toEqual([2, 4, 5, 6, 7]);
  });

  test('S3-FIFO: a page accessed once in the small queue goes, one accessed twice moves to the main one, one remembered comes back there (algorithm 1)', () => {
    // Room for ten: one in the small queue. 0 is accessed twice, 1 once.
    const s3 = cache('s3-fifo', 10);
    s3.misses([...range(0, 10), 0, 0, 1]);
    expect(s3.evictions([10])).toEqual([1]);
    // 1 is remembered: it goes straight to the main queue, and a scan does not push it out, nor 0.
    expect(s3.evictions([1])).toEqual([2]);
    s3.misses(range(20, 60));
    expect([s3.access(1).hit, s3.access(0).hit]).toEqual([true, true]);
  });

  test('2Q: only what comes back after it left the FIFO gets into the LRU order', () => {
    // Room for four: Kin 1, Kout 2. All four are in A1in, which is over Kin: its oldest, 1, goes and is remembered.
    const two = cache('2q', 4);
    expect(two.evictions([1, 2, 3, 4, 2, 2, 5])).toEqual([1]);
    // 1 is remembered, so it goes to Am; accesses to 2 did not help it, A1in is a FIFO.
    expect(two.evictions([1])).toEqual([2]);
    // 1 is in Am: A1in gives up 3, 4, 5 before.
    expect(two.evictions([6, 7, 8])).toEqual([3, 4, 5]);
    expect(two.access(1).hit).toBe(true);
  });

  test('ARC: pages that come back from B1 give T1 more room, those from B2 less (figure 4)', () => {
    const arc = cache('arc', 4);
    // T1 = 1 2 3 4; 1 and 2 are accessed again: T2 = 1 2. p = 0.
    arc.misses([1, 2, 3, 4, 1, 2]);
    // |T1| > p: 3 goes to B1, 5 to T1.
    expect(arc.evictions([5])).toEqual([3]);
    // 3 is in B1: p = 1, |T1| = 2 > 1, so 4 goes; 3 to T2.
    expect(arc.evictions([3])).toEqual([4]);
    // 4 is in B1: p = 2, |T1| = 1: T2 gives up 1.
    expect(arc.evictions([4])).toEqual([1]);
    // 1 is in B2: p = 1 = |T1|, and it comes from B2: T1 gives up 5.
    expect(arc.evictions([1])).toEqual([5]);
  });

  test('LFU gives up what was accessed least often, among equals what was accessed first', () => {
    expect(cache('lfu', 3).evictions([1, 1, 2, 3, 3, 2, 2, 4, 5])).toEqual([1, 4]);
  });

  test('LRU by 64 KiB gives up whole big pages, in the order of the last access to any of their pages', () => {
    expect(cache('lru-64k', 4).evictions([0, 16, 1, 17, 0, 32])).toEqual([16, 17]);
    expect(cache('lru-64k', 4).evictions([0, 16, 1, 17, 0, 32, 33, 34])).toEqual([16, 17, 0, 1]);
  });

  test('NVIDIA UVM gives up the chunk in which memory was allocated least recently, whatever was accessed', () => {
    // Chunks 0, 1, 2 of 512 pages; 0 is accessed all the time, but the last page allocated in it is the oldest.
    expect(cache('least-recently-allocated', 4).evictions([0, 1, 512, 0, 1, 513, 0, 1024])).toEqual([0, 1]);
    // A further allocation in chunk 0 makes it the youngest.
    expect(cache('least-recently-allocated', 4).evictions([0, 512, 513, 1, 1024])).toEqual([512, 513]);
    expect(cache('lru-2m', 4).evictions([0, 1, 512, 0, 1, 513, 0, 1024])).toEqual([512, 513]);
  });

  describe('pre-eviction of Ganguly et al.', () => {
    /** A page of each of the eight blocks of 64 KiB in an allocation of 512 KiB, as in the paper's examples. */
    const eight = range(0, 8).map((block) => block * 16);

    test('sequential-local gives up the block accessed least recently', () => {
      const local = cache('sequential-local', 9);
      local.misses([...eight, 1]);
      // 0 was accessed by way of page 1; the oldest is block 1.
      expect(local.evictions([5 * 512, 6 * 512, 7 * 512])).toEqual([16, 32, 48]);
    });

    test('tree keeps a node of which half is left, and gives up the rest of one of which less is', () => {
      const tree = cache('tree', 8);
      tree.misses(eight);
      // Blocks leave in the order 0, 2, 4: each pair of leaves still has one, each node of four has two or three.
      for (const block of [1, 3, 5, 6, 7]) tree.access(block * 16);
      expect(tree.evictions([5 * 512])).toEqual([0]);
      expect(tree.evictions([6 * 512])).toEqual([2 * 16]);
      // With 4 gone, five of eight are left. The next is 1: the first four have one left, block 3, and so it goes, too. Of the eight
      // only three are left then, so they go as well.
      expect(tree.evictions([7 * 512])).toEqual([4 * 16]);
      expect(tree.evictions([8 * 512])).toEqual([16, 3 * 16, 5 * 16, 6 * 16, 7 * 16]);
    });
  });

  test('CFLRU gives up the first clean page of the window, and the oldest where all there are dirty', () => {
    const window = (size: number) => new Cache((capacity) => new CleanFirstLruEviction(capacity, size), 4);
    // Park et al., figure 2: LRU order 1 2 3 4 with 1 and 3 dirty, window of three: 2 goes first.
    const three = window(3);
    for (const page of [1, 2, 3, 4]) three.access(page, page === 1 || page === 3);
    expect(three.evictions([5, 6])).toEqual([2, 4]);
    const one = window(1);
    for (const page of [1, 2, 3, 4]) one.access(page, page === 1);
    expect(one.evictions([5])).toEqual([1]);
  });

  test('the enhanced second chance takes clean before dirty, and not accessed before accessed', () => {
    const clock = cache('clean-first-clock', 4);
    for (const page of [1, 2, 3, 4]) clock.access(page, page !== 3);
    clock.access(1);
    // Not accessed and clean: 3. Then not accessed and dirty, from behind there on: 4, 2; then 1, whose bit is gone by now.
    expect(clock.evictions([5])).toEqual([3]);
    clock.access(5, true);
    expect(clock.evictions([6])).toEqual([4]);
  });
});

describe('known answers', () => {
  const scan = range(0, 5000);
  const cyclic = Array.from({ length: 20 }, () => range(0, 101)).flat();

  test.each(Object.keys(evictionPolicies) as EvictionName[])('%s misses each page of a scan once', (name) => {
    expect(cache(name, 100).misses(scan)).toBe(5000);
  });

  test.each(['lru', 'fifo', 'clock', 'lfu', 'sieve', 'arc'] as const)(
    '%s misses always where a cycle is one larger than memory',
    (name) => {
      expect(cache(name, 100).misses(cyclic)).toBe(2020);
    },
  );

  test.each(['2q', 'random'] as const)('%s does not', (name) => {
    expect(cache(name, 100).misses(cyclic)).toBeLessThan(2020);
  });

  /** Misses of a second working set of 60 pages, from its eleventh round on, after a first of as many. */
  const secondPhase = (name: EvictionName) => {
    const phase = (start: number) => Array.from({ length: 50 }, () => range(start, start + 60)).flat();
    const policy = cache(name, 100);
    policy.misses(phase(0));
    const second = phase(1024);
    policy.misses(second.slice(0, 600));
    return policy.misses(second.slice(600));
  };

  test.each(['lru', 'arc', '2q', 'clock', 's3-fifo', 'lru-64k'] as const)(
    '%s finds its way from one working set to another',
    (name) => {
      expect(secondPhase(name)).toBeLessThan(240);
    },
  );

  test('SIEVE does not: what comes pushes its hand along, which never gets back to the first set', () => {
    expect(secondPhase('sieve')).toBe(2400);
  });
});

describe('random', () => {
  const all = Uint32Array.from(range(0, 64));
  const run = (seed: number) => {
    const policy = new RandomEviction(64, seed);
    policy.insert(all, 64);
    const out = new Uint32Array(64);
    policy.victims(out, 64, new Uint8Array(64));
    return [...out];
  };

  test('gives the same victims for the same seed, others for another, and each as likely as any', () => {
    expect(run(5)).toEqual(run(5));
    expect(run(5)).not.toEqual(run(6));
    const firsts = new Set(range(0, 1000).map((seed) => run(seed)[0]!));
    expect(firsts.size).toBe(64);
  });

  test('finds the only frame that is not blocked', () => {
    const policy = new RandomEviction(64);
    policy.insert(all, 64);
    const flags = new Uint8Array(64).fill(FRAME_BLOCKED);
    flags[37] = 0;
    const out = new Uint32Array(2);
    expect([policy.victims(out, 2, flags), out[0]]).toEqual([1, 37]);
  });

  test('refuses a seed that is no integer', () => {
    expect(() => new RandomEviction(1, 0.5)).toThrow(RangeError);
  });
});

test('next-use takes a page without a number for one that was never seen, also in a frame that had such a page before', () => {
  const policy = evictionPolicies['next-use'](64, 4096);
  const numbers = new Float64Array(64).fill(NaN);
  policy.insert(
    Uint32Array.from({ length: 32 }, (_, id) => id),
    32,
    numbers,
  );
  policy.remove(Uint32Array.of(0), 1);
  policy.insert(Uint32Array.of(0), 1, numbers);
  const why = new Uint8Array(64);
  const taken = policy.victims(new Uint32Array(64), 32, new Uint8Array(64), undefined, why);
  expect(new Set(why.subarray(0, taken))).toEqual(new Set([policy.reasons!.indexOf('oldest')]));
});
