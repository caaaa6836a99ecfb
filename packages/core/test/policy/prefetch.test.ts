import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AdaptivePrefetch,
  HistoryPrefetch,
  LocalPrefetch,
  NextPrefetch,
  prefetchPolicies,
  StridePrefetch,
  TreePrefetch,
  type PrefetchName,
  type PrefetchPolicy,
  type TreeOptions,
} from '../../src/policy/index.js';

interface Given {
  faults: number[];
  resident?: number[];
  start?: number;
  end?: number;
  room?: number;
  thrashing?: number[];
}

function plan(policy: PrefetchPolicy, given: Given, capacity = 4096): number[] {
  const resident = new Set(given.resident ?? []);
  const { thrashing } = given;
  const out = new Float64Array(capacity);
  const count = policy.plan(
    {
      faults: Float64Array.from(given.faults),
      count: given.faults.length,
      regionStart: given.start ?? 0,
      regionEnd: given.end ?? 2 ** 35,
      room: given.room ?? capacity,
      // How much is free changes what a policy wants, not only how much of it comes.
      free: 4096,
      resident: (page) => resident.has(page),
      ...(thrashing !== undefined && { thrashing: (page) => thrashing.includes(page) }),
    },
    out,
  );
  return [...out.subarray(0, count)];
}

const pages = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);

/** The tree, straight from its description: sets of pages, every subtree counted anew. */
function naiveTree(given: Required<Given>, pageSize: number, options: Required<Omit<TreeOptions, 'evicts'>>): number[] {
  const blockPages = options.blockBytes / pageSize;
  const bigPages = Math.max(1, 2 ** 16 / pageSize);
  const subtree = (page: number, size: number) => {
    const start = Math.floor(page / size) * size;
    return pages(Math.max(start, given.start), Math.min(start + size, given.end));
  };
  const blockOf = (page: number) => Math.floor(page / blockPages);
  const faults = given.faults.filter(
    (fault) => given.faults.filter((other) => blockOf(other) === blockOf(fault)).length >= options.minFaults,
  );
  const thrashes = (page: number) => given.thrashing.includes(page);
  const big = faults.map((fault) => subtree(fault, bigPages)).filter((some) => !some.some(thrashes));
  const filled = new Set([...given.resident, ...given.faults, ...big.flat()]);
  const wanted = new Set(filled);
  for (const fault of faults) {
    for (let size = 1; size <= blockPages; size *= 2) {
      const tree = subtree(fault, size);
      if (tree.filter((p) => filled.has(p)).length * 100 > tree.length * options.thresholdPercent)
        tree.forEach((p) => wanted.add(p));
    }
  }
  const known = new Set([...given.resident, ...given.faults]);
  return [...wanted].filter((p) => !known.has(p) && !thrashes(p)).sort((a, b) => a - b);
}

const given = fc
  .record({
    base: fc.constantFrom(0, 2 ** 32 - 1024, 2 ** 35 - 2048),
    first: fc.integer({ min: 0, max: 700 }),
    length: fc.integer({ min: 1, max: 1300 }),
    faults: fc.uniqueArray(fc.integer({ min: 0, max: 1299 }), { maxLength: 60 }),
    resident: fc.array(fc.tuple(fc.integer({ min: 0, max: 1299 }), fc.integer({ min: 1, max: 200 })), { maxLength: 8 }),
    thrashing: fc.array(fc.integer({ min: 0, max: 1299 }), { maxLength: 12 }),
  })
  .map(({ base, first, length, faults, resident, thrashing }) => {
    const start = base + first;
    const end = start + length;
    return {
      start,
      end,
      room: 4096,
      thrashing: thrashing.map((page) => start + (page % length)),
      faults: [...new Set(faults.map((f) => start + (f % length)))].sort((a, b) => a - b),
      resident: resident.flatMap(([at, run]) => pages(start + at, Math.min(start + at + run, end))),
    };
  });

const treeOptions = fc.record({
  thresholdPercent: fc.constantFrom(51, 51, 1, 25, 75, 100),
  minFaults: fc.constantFrom(1, 1, 2, 5),
  blockBytes: fc.constantFrom(2 ** 21, 2 ** 21, 2 ** 18, 2 ** 20),
});

describe('tree', () => {
  const tree = new TreePrefetch(4096);

  test('one fault fills its 64 KiB page', () => {
    expect(plan(tree, { faults: [5] })).toEqual([...pages(0, 5), ...pages(6, 16)]);
  });

  test('a half occupied subtree is not enough, what exceeds 51 % is', () => {
    // 16 of 32 pages are 50 %: each 64 KiB page stays alone. 17 are 53.1 %.
    expect(plan(tree, { faults: [0] })).toEqual(pages(1, 16));
    expect(plan(tree, { faults: [0], resident: [16] })).toEqual([...pages(1, 16), ...pages(17, 32)]);
  });

  test('exactly 51 % is not enough', () => {
    // A region of 100 pages clips the root to 100 leaves.
    expect(plan(tree, { end: 100, faults: [0], resident: pages(16, 51) })).not.toContain(99);
    expect(plan(tree, { end: 100, faults: [0], resident: pages(16, 52) })).toContain(99);
  });

  test('grows up to the whole block and never into the next', () => {
    // 256 of 512 pages are resident; the big page with the fault makes it 272, which is 53.1 %.
    const expected = pages(256, 512).filter((p) => p !== 300);
    expect(plan(tree, { faults: [300], resident: pages(0, 256) })).toEqual(expected);
  });

  test('keeps to the region at both ends, the last block of the space included', () => {
    const end = 2 ** 35;
    expect(plan(tree, { faults: [end - 1], start: end - 4, end })).toEqual([end - 4, end - 3, end - 2]);
    expect(plan(tree, { faults: [510, 512], start: 508, end: 514 })).toEqual([508, 509, 511, 513]);
  });

  test('a page of 64 KiB is its own big page; one of 2 MiB brings nothing', () => {
    expect(plan(new TreePrefetch(65536), { faults: [3] })).toEqual([]);
    expect(plan(new TreePrefetch(65536), { faults: [3], resident: [0, 1] })).toEqual([2]);
    expect(plan(new TreePrefetch(2 ** 21), { faults: [3, 4], resident: [5] })).toEqual([]);
  });

  test('agrees with its description', () => {
    fc.assert(
      fc.property(given, fc.constantFrom(4096, 16384, 65536), treeOptions, (g, pageSize, options) => {
        expect(plan(new TreePrefetch(pageSize, options), g)).toEqual(naiveTree(g, pageSize, options));
      }),
      { numRuns: 500 },
    );
  });

  test('takes the threshold, the fewest faults and the scope of the driver’s parameters', () => {
    // 16 of 32 pages, exactly 50 %: enough for a threshold of 49. What that brings does not count further up.
    expect(plan(new TreePrefetch(4096, { thresholdPercent: 49 }), { faults: [0] })).toEqual(pages(1, 32));
    expect(plan(new TreePrefetch(4096, { thresholdPercent: 50 }), { faults: [0] })).toEqual(pages(1, 16));
    expect(plan(new TreePrefetch(4096, { minFaults: 3 }), { faults: [0, 1, 512, 513, 514] })).toEqual(pages(515, 528));
    // Half a block of 128 KiB is not enough, and beyond it nothing counts.
    const small = new TreePrefetch(4096, { blockBytes: 2 ** 17 });
    expect(plan(small, { faults: [0], resident: [16] })).toEqual([...pages(1, 16), ...pages(17, 32)]);
    expect(plan(small, { faults: [0], resident: pages(32, 64) })).toEqual(pages(1, 16));
  });

  test('neither brings pages that thrash nor fills a 64 KiB page that has one', () => {
    expect(plan(tree, { faults: [0], thrashing: [7] })).toEqual([]);
    // Page 7 thrashes; with 0 … 6 resident and 8 faulted, 8 of 16 pages are there, and one more by way of 9: 56 %.
    expect(plan(tree, { faults: [8, 9], resident: pages(0, 7), thrashing: [7] })).toEqual(pages(10, 16));
  });

  test('refuses what is no page size, and parameters beyond their ranges', () => {
    expect(() => new TreePrefetch(5000)).toThrow(RangeError);
    for (const options of [{ thresholdPercent: 0 }, { thresholdPercent: 101 }, { minFaults: 21 }, { blockBytes: 2048 }])
      expect(() => new TreePrefetch(4096, options)).toThrow(RangeError);
  });
});

describe('next', () => {
  test('brings the pages after each fault, up to the next fault and the end of the region', () => {
    const next = new NextPrefetch(4);
    expect(plan(next, { faults: [10, 12], resident: [14] })).toEqual([11, 13, 15, 16]);
    expect(plan(next, { faults: [10], end: 13 })).toEqual([11, 12]);
    expect(plan(new NextPrefetch(), { faults: [0] })).toEqual(pages(1, 17));
  });

  test.each([0, -1, 1.5, NaN])('refuses a distance of %d', (distance) => {
    expect(() => new NextPrefetch(distance)).toThrow(RangeError);
  });
});

describe('local', () => {
  test('fills the aligned 64 KiB round each fault, as far as the region goes (Ganguly et al., 4.1)', () => {
    const local = new LocalPrefetch(4096);
    expect(plan(local, { faults: [5, 20, 21], resident: [0, 31] })).toEqual([
      ...pages(1, 5),
      ...pages(6, 16),
      ...pages(16, 20),
      ...pages(22, 31),
    ]);
    expect(plan(local, { faults: [20], start: 18, end: 23 })).toEqual([18, 19, 21, 22]);
    expect(plan(new LocalPrefetch(65536), { faults: [3] })).toEqual([]);
  });
});

describe('stride', () => {
  const one = (policy: PrefetchPolicy, page: number, given: Partial<Given> = {}) =>
    plan(policy, { faults: [page], ...given });

  test('follows the distance that most of the latest faults have, and nothing where there is none', () => {
    const stride = new StridePrefetch(3);
    // Four distances are looked at first: after the fifth fault there are as many.
    expect([0, 7, 14, 21].map((page) => one(stride, page))).toEqual([[], [], [], []]);
    expect(one(stride, 28)).toEqual([35, 42, 49]);
    // One from elsewhere, and back: of the newest four only two are 7; of eight there are not as many yet.
    expect(one(stride, 1000)).toEqual([1007, 1014, 1021]);
    expect(one(stride, 3)).toEqual([]);
  });

  test('looks further back where the newest do not agree (Leap, algorithm 1)', () => {
    const stride = new StridePrefetch(2);
    for (const page of [0, 2, 4, 6, 8, 10, 100]) one(stride, page);
    // Newest first: 1, 90, 2, 2 have no majority; of the newest eight, six are 2.
    one(stride, 101);
    expect(one(stride, 103)).toEqual([105, 107]);
  });

  test('follows downwards, within a batch, and each region on its own', () => {
    const stride = new StridePrefetch(2);
    for (const page of [90, 80, 70, 60]) one(stride, page, { end: 100 });
    expect(one(stride, 50, { end: 100 })).toEqual([30, 40]);
    expect(plan(stride, { faults: [200, 203, 206, 209, 212], start: 200 })).toEqual([215, 218]);
    expect(one(stride, 40, { end: 100 })).toEqual([20, 30]);
  });

  test.each([0, -1, 1.5, NaN])('refuses a distance of %d', (distance) => {
    expect(() => new StridePrefetch(distance)).toThrow(RangeError);
  });
});

describe('adaptive', () => {
  /** Faults one by one on what is not there; gives what each brought. */
  function run(faults: readonly number[]): number[] {
    const policy = new AdaptivePrefetch();
    const resident = new Set<number>();
    return faults.flatMap((page) => {
      if (resident.has(page)) return [];
      const out = new Float64Array(512);
      const count = policy.plan(
        {
          faults: Float64Array.of(page),
          count: 1,
          regionStart: 0,
          regionEnd: 2 ** 35,
          room: 512,
          resident: (other) => resident.has(other),
        },
        out,
      );
      for (const there of [page, ...out.subarray(0, count)]) resident.add(there);
      return [count];
    });
  }

  test('doubles its window each time that a sequence goes on behind it', () => {
    // 0 begins a sequence, 1 goes on: 4 pages, 2 … 5; then 6 with 8, 15 with 16, 32 with 32, 65 with 64 and no more than that at first.
    expect(run(pages(0, 130))).toEqual([0, 4, 8, 16, 32, 64]);
    expect(run(pages(0, 20_000)).at(-2)).toBe(512);
  });

  test('brings nothing for faults that go on with nothing', () => {
    const scattered = Array.from({ length: 2000 }, (_, i) => (i * 7919) % 200_003);
    expect(run(scattered).reduce((sum, count) => sum + count)).toBeLessThan(20);
  });

  test('stops when sequences end before what it brought is used, and begins again when they do not', () => {
    // Runs of three pages: the second goes on, four are brought, of which one is used.
    const short = Array.from({ length: 3000 }, (_, i) => [0, 1, 2].map((page) => 100 * i + page)).flat();
    const brought = run(short);
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
    expect(sum(brought.slice(-1000))).toBeLessThan(100);
    expect(run([...short, ...pages(400_000, 420_000)]).at(-2)).toBe(512);
  });

  test('goes on with many sequences at a time, and with faults in batches', () => {
    const policy = new AdaptivePrefetch();
    expect(plan(policy, { faults: [0, 1000, 2000] })).toEqual([]);
    expect(plan(policy, { faults: [1, 1001, 2001] })).toEqual([
      2, 3, 4, 5, 1002, 1003, 1004, 1005, 2002, 2003, 2004, 2005,
    ]);
    // A run within one batch is a sequence, too.
    expect(plan(policy, { faults: [3000, 3001, 3002] })).toEqual(pages(3003, 3006));
  });
});

describe('history', () => {
  test('brings what followed a fault the last time, across launches', () => {
    const history = new HistoryPrefetch();
    const chain = [100, 7, 5000, 42, 9];
    expect(chain.map((page) => plan(history, { faults: [page] }))).toEqual([[], [], [], [], []]);
    // Something else in between, then the same again.
    plan(history, { faults: [777] });
    expect(plan(history, { faults: [100] })).toEqual([7, 9, 42, 777, 5000]);
    expect(plan(history, { faults: [5000], resident: [9] })).toEqual([42, 777]);
  });

  test('one deviation does not make it forget, two do', () => {
    const history = new HistoryPrefetch();
    for (let i = 0; i < 3; i++) for (const page of [1, 2]) plan(history, { faults: [page] });
    for (const page of [1, 3]) plan(history, { faults: [page] });
    expect(plan(history, { faults: [1] })).toContain(2);
  });

  test('what it brought counts as having followed', () => {
    const history = new HistoryPrefetch();
    const chain = pages(0, 40).map((page) => page * 10);
    for (const page of chain) plan(history, { faults: [page] });
    // Sixteen steps from 0 go to 160; the next fault, 170, is then known to follow 160, as before, and not 0.
    for (let round = 0; round < 5; round++) {
      expect(plan(history, { faults: [0] })).toEqual(chain.slice(1, 17));
      expect(plan(history, { faults: [170] })).toEqual(chain.slice(18, 34));
    }
  });

  test.each([0, -1, 1.5, NaN, 2 ** 25])('refuses %d places', (places) => {
    expect(() => new HistoryPrefetch(places)).toThrow(RangeError);
  });
});

test('none brings nothing', () => {
  expect(plan(prefetchPolicies.none(4096), { faults: [1, 2, 3] })).toEqual([]);
});

describe.each(Object.keys(prefetchPolicies) as PrefetchName[])('%s', (name) => {
  test('proposes sorted pages of the region that are neither faulted nor resident, as many as fit', () => {
    const limits = fc.record({ room: fc.integer({ min: 0, max: 600 }), capacity: fc.integer({ min: 0, max: 600 }) });
    expect(prefetchPolicies[name](4096).name).toBe(name);
    fc.assert(
      fc.property(fc.array(given, { maxLength: 4 }), given, limits, (before, g, { room, capacity }) => {
        // Both have seen the same, and some policies learn.
        const [policy, other] = [prefetchPolicies[name](4096), prefetchPolicies[name](4096)];
        for (const earlier of before) expect(plan(policy, earlier)).toEqual(plan(other, earlier));
        const all = plan(policy, g);
        const some = plan(other, { ...g, room }, capacity);
        expect(some).toEqual(all.slice(0, Math.min(room, capacity)));
        const known = new Set([...g.resident, ...g.faults]);
        expect(all).toEqual([...new Set(all)].sort((a, b) => a - b));
        for (const page of all) expect(page >= g.start && page < g.end && !known.has(page)).toBe(true);
      }),
    );
  });
});
