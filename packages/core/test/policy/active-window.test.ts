import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ActiveWindow } from '../../src/policy/index.js';

test('halves without progress down to one, doubles with progress up to the maximum', () => {
  const window = new ActiveWindow(12, 2);
  const sizes = [false, false, false, false, true, true, true, true, true].map((progress) => window.onRound(progress));
  expect(sizes).toEqual([6, 3, 1, 1, 2, 4, 8, 12, 12]);
});

test('is stuck after as many rounds at one as a unit has pages', () => {
  const window = new ActiveWindow(2, 3);
  expect([false, false, false, false].map((p) => (window.onRound(p), window.stuck))).toEqual([
    false,
    false,
    false,
    true,
  ]);
  window.onRound(true);
  expect(window.stuck).toBe(false);
});

test('bounds every run without progress, and never leaves one to the maximum', () => {
  const sizes = fc.integer({ min: 1, max: 10_000 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 50 }), fc.array(fc.boolean()), (max, limit, history) => {
      const window = new ActiveWindow(max, limit);
      for (const progress of history) {
        const size = window.onRound(progress);
        expect(size).toBe(window.size);
        expect(size >= 1 && size <= max).toBe(true);
      }
      let rounds = 0;
      while (!window.stuck && rounds < 1000) {
        window.onRound(false);
        rounds++;
      }
      expect(rounds).toBeLessThanOrEqual(Math.floor(Math.log2(max)) + limit);
    }),
  );
});

test.each([0, -1, 1.5, NaN])('refuses %d as a maximum or a limit', (wrong) => {
  expect(() => new ActiveWindow(wrong, 1)).toThrow(RangeError);
  expect(() => new ActiveWindow(1, wrong)).toThrow(RangeError);
});
