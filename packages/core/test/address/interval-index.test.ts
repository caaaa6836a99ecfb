import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IdList } from '../../src/address/id-list.js';
import { IntervalIndex } from '../../src/address/interval-index.js';

function found(index: IntervalIndex, start: number, end: number): number[] {
  const out = new IdList(1);
  const count = index.query(start, end, out);
  expect(out.length).toBe(count);
  return [...out.items.subarray(0, count)].sort((a, b) => a - b);
}

// Bases near the edges of 32 and 47 bits; few starts, so that many intervals share one; lengths of all classes.
const start = fc
  .tuple(fc.constantFrom(0, 2 ** 32 - 8, 2 ** 46), fc.integer({ min: 0, max: 16 }))
  .map(([base, offset]) => base + offset);
const length = fc.oneof(
  fc.integer({ min: 1, max: 20 }),
  fc.integer({ min: 0, max: 45 }).map((i) => 2 ** i),
  fc.integer({ min: 1, max: 45 }).map((i) => 2 ** i - 1),
);
const id = fc.integer({ min: 0, max: 40 });

test('finds what a plain list of intervals finds', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ op: fc.constant('insert' as const), id, start, length }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('remove' as const), id }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('query' as const), start, length }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const index = new IntervalIndex();
      const model = new Map<number, { start: number; end: number }>();
      for (const s of steps) {
        if (s.op === 'insert') {
          const end = s.start + s.length;
          if (model.has(s.id)) {
            expect(() => index.insert(s.start, end, s.id)).toThrow(RangeError);
          } else {
            index.insert(s.start, end, s.id);
            model.set(s.id, { start: s.start, end });
            expect([index.startOf(s.id), index.endOf(s.id)]).toEqual([s.start, end]);
          }
        } else if (s.op === 'remove') {
          expect(index.remove(s.id)).toBe(model.delete(s.id));
        } else {
          const end = s.start + s.length;
          const expected = [...model].filter(([, i]) => i.start < end && s.start < i.end).map(([key]) => key);
          expect(found(index, s.start, end)).toEqual(expected.sort((a, b) => a - b));
        }
        expect(index.size).toBe(model.size);
      }
    }),
    { numRuns: 500 },
  );
});

test('touching ends do not meet', () => {
  const index = new IntervalIndex();
  index.insert(4096, 8192, 1);
  expect(found(index, 0, 4096)).toEqual([]);
  expect(found(index, 8192, 12288)).toEqual([]);
  expect(found(index, 8191, 8192)).toEqual([1]);
  expect(found(index, 4096, 4097)).toEqual([1]);
});

test('finds each of a hundred thousand neighbours', () => {
  const index = new IntervalIndex();
  const count = 100_000;
  for (let i = 0; i < count; i++) index.insert(i * 8192, i * 8192 + 4096 + (i % 2) * 4096, i);
  for (let i = 0; i < count; i += 997) expect(found(index, i * 8192, i * 8192 + 1)).toEqual([i]);
  expect(found(index, 0, count * 8192).length).toBe(count);
  index.clear();
  expect(index.size).toBe(0);
  expect(found(index, 0, count * 8192)).toEqual([]);
  index.insert(0, 1, 0);
  expect(found(index, 0, 1)).toEqual([0]);
});

describe('bad input changes nothing', () => {
  test.each([
    [NaN, 1, 5],
    [0, NaN, 5],
    [0, 0, 5],
    [8, 4, 5],
    [0.5, 2, 5],
    [0, 2 ** 53, 5],
    [0, 1, -1],
    [0, 1, 1.5],
    [0, 1, 2 ** 32],
    [0, 1, 7],
  ])('insert(%d, %d, %d)', (from, to, wrong) => {
    const index = new IntervalIndex();
    index.insert(10, 20, 7);
    expect(() => index.insert(from, to, wrong)).toThrow(RangeError);
    expect(index.size).toBe(1);
    expect(found(index, 0, 100)).toEqual([7]);
    expect(index.remove(5)).toBe(false);
  });
});

test.each([[[3, 2, 1]], [[3, 1, 2]], [[2, 3, 1]], [[2, 1, 3]], [[1, 2, 3]], [[1, 3, 2]]])(
  'intervals of one start and size leave in the order %j',
  (order) => {
    const index = new IntervalIndex();
    for (const each of [1, 2, 3]) index.insert(4096, 8192, each);
    const left = new Set([1, 2, 3]);
    for (const each of order) {
      expect(index.remove(each)).toBe(true);
      left.delete(each);
      expect(found(index, 4096, 8192)).toEqual([...left]);
    }
    for (const each of [1, 2, 3]) index.insert(0, 2 ** 40, each);
    expect(found(index, 4096, 8192)).toEqual([1, 2, 3]);
  },
);
