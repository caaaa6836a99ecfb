import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RadixSort } from '../../src/mirror/radix-sort.js';

test.each([
  ['neighbours', 0, 300],
  ['one digit apart', 2 ** 40, 2 ** 40 + 255],
  ['half a word apart', 2 ** 36, 2 ** 36 + 2 ** 31],
  ['a word and more apart', 0, 2 ** 51],
])('sorts keys that are %s', (_, least, greatest) => {
  const sorter = new RadixSort();
  fc.assert(
    fc.property(fc.array(fc.integer({ min: least, max: greatest }), { maxLength: 700 }), (keys) => {
      const sorted = Float64Array.from([...keys, -1, -2]);
      sorter.sort(sorted, keys.length);
      expect(Array.from(sorted)).toEqual([...keys.toSorted((a, b) => a - b), -1, -2]);
    }),
  );
});
