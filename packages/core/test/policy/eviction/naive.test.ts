import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evictionPolicies } from '../../../src/policy/index.js';
import { Cache } from './cache.js';
import { naiveCaches } from './naive.js';

const names = Object.keys(naiveCaches) as (keyof typeof naiveCaches)[];

/** Few pages, or pages all over a few chunks of 512, in runs and alone; some are written. */
const accesses = fc.oneof(
  fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.boolean()), { maxLength: 300 }),
  fc
    .array(
      fc.tuple(
        fc.integer({ min: 0, max: 1300 }),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(1, 16),
        fc.boolean(),
      ),
      { maxLength: 60 },
    )
    .map((runs) =>
      runs.flatMap(([start, length, stride, write]) =>
        Array.from({ length }, (_, i) => [start + i * stride, write] as [number, boolean]),
      ),
    ),
);

describe.each(names)('%s', (name) => {
  test('gives up what its source would, access by access', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), accesses, (room, pages) => {
        const naive = naiveCaches[name](room);
        const cache = new Cache(evictionPolicies[name], room);
        for (const [page, write] of pages) {
          const expected = naive.access(page, write);
          const { hit, evicted } = cache.access(page, write);
          expect(hit).toBe(expected === undefined);
          // Within a unit the order is nobody's business.
          expect(evicted.toSorted((a, b) => a - b)).toEqual((expected ?? []).toSorted((a, b) => a - b));
        }
      }),
      { numRuns: 300 },
    );
  });
});
