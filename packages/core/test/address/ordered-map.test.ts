import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OrderedMap } from '../../src/address/ordered-map.js';

type Entry = [key: number, value: number];

/** Walks the map both ways and checks every lookup round each key against a sorted array. */
function expectSame(map: OrderedMap, model: Map<number, number>): void {
  const sorted = [...model].sort(([a], [b]) => a - b);
  const forward: Entry[] = [];
  for (let p = map.first(); p >= 0; p = map.next(p)) forward.push([map.keyAt(p), map.valueAt(p)]);
  expect(forward).toEqual(sorted);
  const backward: Entry[] = [];
  for (let p = map.last(); p >= 0; p = map.previous(p)) backward.push([map.keyAt(p), map.valueAt(p)]);
  expect(backward).toEqual(sorted.reverse());
  expect(map.size).toBe(model.size);
}

function expectLookups(map: OrderedMap, model: Map<number, number>, probes: number[]): void {
  const keys = [...model.keys()].sort((a, b) => a - b);
  const keyAt = (position: number) => (position < 0 ? undefined : map.keyAt(position));
  for (const probe of probes) {
    expect(keyAt(map.floor(probe))).toBe(keys.findLast((key) => key <= probe));
    expect(keyAt(map.ceil(probe))).toBe(keys.find((key) => key >= probe));
    expect(keyAt(map.find(probe))).toBe(model.has(probe) ? probe : undefined);
    expect(map.get(probe)).toBe(model.get(probe) ?? -1);
  }
}

// Few enough keys to meet again, spread over the whole range of safe integers.
const key = fc.oneof(
  fc.integer({ min: 0, max: 400 }),
  fc.integer({ min: 0, max: 400 }).map((i) => 2 ** 47 - 200 + i),
  fc.constantFrom(Number.MIN_SAFE_INTEGER, -1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER),
);
const value = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('set' as const), key, value }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('delete' as const), key }) },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('fill' as const), key, count: fc.integer({ min: 1, max: 150 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('drain' as const), key, count: fc.integer({ min: 1, max: 120 }) }),
  },
);

test('behaves as a sorted array under any sequence of changes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.array(key, { maxLength: 20 }), (steps, probes) => {
      const map = new OrderedMap();
      const model = new Map<number, number>();
      for (const s of steps) {
        if (s.op === 'set') {
          map.set(s.key, s.value);
          model.set(s.key, s.value);
        } else if (s.op === 'delete') {
          expect(map.delete(s.key)).toBe(model.delete(s.key));
        } else if (s.op === 'fill') {
          const start = Math.max(s.key, -(2 ** 50));
          for (let i = 0; i < s.count; i++) {
            map.set(start - i * 3, i);
            model.set(start - i * 3, i);
          }
        } else {
          for (let i = 0, p = map.ceil(s.key); i < s.count && p >= 0; i++, p = map.ceil(s.key)) {
            model.delete(map.keyAt(p));
            map.deleteAt(p);
          }
        }
        expectLookups(map, model, probes.slice(0, 3));
      }
      expectSame(map, model);
      expectLookups(map, model, probes);
    }),
    { numRuns: 300 },
  );
});

test('holds a hundred thousand entries set in any order, and shrinks again', () => {
  const count = 100_000;
  const map = new OrderedMap();
  for (let i = 0; i < count; i++) map.set(((i * 7919) % count) * 4096, i);
  let wrong = 0;
  for (let i = 0; i < count; i++) {
    const k = ((i * 7919) % count) * 4096;
    if (map.get(k) !== i || map.keyAt(map.floor(k + 4095)) !== k) wrong++;
  }
  expect(wrong).toBe(0);
  expect(map.bytes).toBeLessThan(count * 32);
  for (let i = 0; i < count; i++) if (i % 100 !== 0) map.delete(i * 4096);
  const left: number[] = [];
  for (let p = map.first(); p >= 0; p = map.next(p)) left.push(map.keyAt(p));
  expect(left).toEqual(Array.from({ length: count / 100 }, (_, i) => i * 409600));
  map.clear();
  expect(map.size).toBe(0);
  expect(map.first()).toBe(-1);
  expect(map.last()).toBe(-1);
  expect(map.floor(0)).toBe(-1);
  expect(map.bytes).toBeLessThan(1024);
});

test('setValueAt keeps positions valid', () => {
  const map = new OrderedMap();
  for (let i = 0; i < 100; i++) map.set(i, i);
  for (let p = map.first(); p >= 0; p = map.next(p)) map.setValueAt(p, map.valueAt(p) * 2);
  for (let i = 0; i < 100; i++) expect(map.get(i)).toBe(i * 2);
});

test.each([NaN, Infinity, -Infinity, 0.5, 2 ** 53])('refuses the key %d and changes nothing', (wrong) => {
  const map = new OrderedMap();
  map.set(1, 2);
  expect(() => map.set(wrong, 1)).toThrow(RangeError);
  expectSame(map, new Map([[1, 2]]));
  expect(map.get(wrong)).toBe(-1);
});
