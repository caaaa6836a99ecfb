import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  NextPrefetch,
  prefetchPolicies,
  TreePrefetch,
  type PrefetchName,
  type PrefetchPolicy,
} from '../../src/policy/index.js';

interface Given {
  faults: number[];
  resident?: number[];
  start?: number;
  end?: number;
  room?: number;
}

function plan(policy: PrefetchPolicy, given: Given, capacity = 4096): number[] {
  const resident = new Set(given.resident ?? []);
  const out = new Float64Array(capacity);
  const count = policy.plan(
    {
      faults: Float64Array.from(given.faults),
      count: given.faults.length,
      regionStart: given.start ?? 0,
      regionEnd: given.end ?? 2 ** 35,
      room: given.room ?? capacity,
      resident: (page) => resident.has(page),
    },
    out,
  );
  return [...out.subarray(0, count)];
}

const pages = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);

/** The tree, straight from its description: sets of pages, every subtree counted anew. */
function naiveTree(given: Required<Given>, pageSize: number): number[] {
  const blockPages = 2 ** 21 / pageSize;
  const bigPages = Math.max(1, 2 ** 16 / pageSize);
  const subtree = (page: number, size: number) => {
    const start = Math.floor(page / size) * size;
    return pages(Math.max(start, given.start), Math.min(start + size, given.end));
  };
  const filled = new Set([...given.resident, ...given.faults, ...given.faults.flatMap((f) => subtree(f, bigPages))]);
  const wanted = new Set(filled);
  for (const fault of given.faults) {
    for (let size = 1; size <= blockPages; size *= 2) {
      const tree = subtree(fault, size);
      if (tree.filter((p) => filled.has(p)).length * 100 > tree.length * 51) tree.forEach((p) => wanted.add(p));
    }
  }
  const known = new Set([...given.resident, ...given.faults]);
  return [...wanted].filter((p) => !known.has(p)).sort((a, b) => a - b);
}

const given = fc
  .record({
    base: fc.constantFrom(0, 2 ** 32 - 1024, 2 ** 35 - 2048),
    first: fc.integer({ min: 0, max: 700 }),
    length: fc.integer({ min: 1, max: 1300 }),
    faults: fc.uniqueArray(fc.integer({ min: 0, max: 1299 }), { maxLength: 60 }),
    resident: fc.array(fc.tuple(fc.integer({ min: 0, max: 1299 }), fc.integer({ min: 1, max: 200 })), { maxLength: 8 }),
  })
  .map(({ base, first, length, faults, resident }) => {
    const start = base + first;
    const end = start + length;
    return {
      start,
      end,
      room: 4096,
      faults: [...new Set(faults.map((f) => start + (f % length)))].sort((a, b) => a - b),
      resident: resident.flatMap(([at, run]) => pages(start + at, Math.min(start + at + run, end))),
    };
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
      fc.property(given, fc.constantFrom(4096, 16384, 65536), (g, pageSize) => {
        expect(plan(new TreePrefetch(pageSize), g)).toEqual(naiveTree(g, pageSize));
      }),
      { numRuns: 500 },
    );
  });

  test('refuses what is no page size', () => {
    expect(() => new TreePrefetch(5000)).toThrow(RangeError);
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

test('none brings nothing', () => {
  expect(plan(prefetchPolicies.none(4096), { faults: [1, 2, 3] })).toEqual([]);
});

describe.each(Object.keys(prefetchPolicies) as PrefetchName[])('%s', (name) => {
  test('proposes sorted pages of the region that are neither faulted nor resident, as many as fit', () => {
    const limits = fc.record({ room: fc.integer({ min: 0, max: 600 }), capacity: fc.integer({ min: 0, max: 600 }) });
    const policy = prefetchPolicies[name](4096);
    expect(policy.name).toBe(name);
    fc.assert(
      fc.property(given, limits, (g, { room, capacity }) => {
        const all = plan(policy, g);
        const some = plan(policy, { ...g, room }, capacity);
        expect(some).toEqual(all.slice(0, Math.min(room, capacity)));
        const known = new Set([...g.resident, ...g.faults]);
        expect(all).toEqual([...new Set(all)].sort((a, b) => a - b));
        for (const page of all) expect(page >= g.start && page < g.end && !known.has(page)).toBe(true);
      }),
    );
  });
});
