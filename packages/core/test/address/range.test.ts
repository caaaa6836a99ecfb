import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ADDRESS_LIMIT } from '../../src/address/page.js';
import {
  bytesOf,
  checkAddress,
  checkByteLength,
  checkPageRange,
  checkRange,
  contains,
  containsAddress,
  intersect,
  overlaps,
  pageRangeOf,
  rangeOf,
  type AddressRange,
} from '../../src/address/range.js';

const notNumbers = [undefined, null, '4096', 4096n, {}];
const notIntegers = [NaN, Infinity, -Infinity, 0.5, 4096.25, 2 ** 53];

describe('arguments are refused at once', () => {
  test.each(notNumbers)('%s is no number', (value) => {
    const wrong = value as number;
    expect(() => checkAddress(wrong)).toThrow(TypeError);
    expect(() => checkByteLength(wrong)).toThrow(TypeError);
    expect(() => rangeOf(wrong, 1)).toThrow(TypeError);
    expect(() => rangeOf(0, wrong)).toThrow(TypeError);
    expect(() => checkRange({ start: wrong, end: 1 })).toThrow(TypeError);
    expect(() => checkRange({ start: 0, end: wrong })).toThrow(TypeError);
  });

  test.each([...notIntegers, -1, -4096])('%d is neither an address nor a length', (value) => {
    expect(() => checkAddress(value, 'hint')).toThrow(RangeError);
    expect(() => checkByteLength(value)).toThrow(RangeError);
    expect(() => rangeOf(value, 1)).toThrow(RangeError);
    expect(() => checkRange({ start: value, end: ADDRESS_LIMIT })).toThrow(RangeError);
    expect(() => checkRange({ start: 0, end: value })).toThrow(RangeError);
  });

  test('the last byte of the space is the last address', () => {
    expect(checkAddress(ADDRESS_LIMIT - 1)).toBe(ADDRESS_LIMIT - 1);
    expect(() => checkAddress(ADDRESS_LIMIT)).toThrow(RangeError);
    expect(checkByteLength(ADDRESS_LIMIT)).toBe(ADDRESS_LIMIT);
    expect(() => checkByteLength(ADDRESS_LIMIT + 1)).toThrow(RangeError);
    expect(() => checkByteLength(0)).toThrow(RangeError);
    expect(rangeOf(ADDRESS_LIMIT - 4096, 4096)).toEqual({ start: ADDRESS_LIMIT - 4096, end: ADDRESS_LIMIT });
    expect(() => rangeOf(ADDRESS_LIMIT - 4096, 4097)).toThrow(RangeError);
    expect(() => checkRange({ start: 0, end: ADDRESS_LIMIT + 1 })).toThrow(RangeError);
  });

  test('ends in the wrong order and things that are no ranges', () => {
    expect(() => checkRange({ start: 8192, end: 4096 })).toThrow(RangeError);
    expect(() => checkRange({ start: 4096, end: 4096 })).toThrow(RangeError);
    for (const value of notNumbers.slice(0, 4)) {
      expect(() => checkRange(value as never)).toThrow(TypeError);
    }
  });

  test('messages name the argument and print addresses in hexadecimal', () => {
    expect(() => checkAddress(-4096, 'hint')).toThrow('hint must lie in 0x0 to 0x7fffffffffff, got -0x1000');
    expect(() => checkRange({ start: 8192, end: 4096 }, 'window')).toThrow(
      'window must end after it starts, got 0x2000 to 0x1000',
    );
  });

  test('page ranges must be aligned at both ends', () => {
    const range = { start: 0x10000, end: 0x20000 };
    expect(checkPageRange(range, 65536)).toBe(range);
    expect(() => checkPageRange({ start: 0x10000, end: 0x20001 }, 4096)).toThrow(RangeError);
    expect(() => checkPageRange({ start: 0x11000, end: 0x20000 }, 65536)).toThrow(RangeError);
    expect(() => checkPageRange(range, 1000)).toThrow(RangeError);
  });
});

test('relations between ranges agree with sets of bytes', () => {
  const small = fc
    .tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 1, max: 6 }))
    .map(([start, bytes]) => rangeOf(ADDRESS_LIMIT - 20 + start, bytes));
  const bytesIn = (range: AddressRange) => Array.from({ length: bytesOf(range) }, (_, i) => range.start + i);
  fc.assert(
    fc.property(small, small, (a, b) => {
      const inB = new Set(bytesIn(b));
      const shared = bytesIn(a).filter((byte) => inB.has(byte));
      expect(overlaps(a, b)).toBe(shared.length > 0);
      expect(contains(b, a)).toBe(shared.length === bytesOf(a));
      const both = intersect(a, b);
      expect(both === undefined ? [] : bytesIn(both)).toEqual(shared);
      for (const byte of bytesIn(a)) expect(containsAddress(b, byte)).toBe(inB.has(byte));
    }),
  );
});

test('a page range is the smallest that holds a range', () => {
  expect(pageRangeOf({ start: 4095, end: 4097 }, 4096)).toEqual({ start: 0, end: 8192 });
  expect(pageRangeOf({ start: 4096, end: 8192 }, 4096)).toEqual({ start: 4096, end: 8192 });
  expect(pageRangeOf({ start: 2 ** 40 + 1, end: 2 ** 40 + 2 }, 65536)).toEqual({
    start: 2 ** 40,
    end: 2 ** 40 + 65536,
  });
});
