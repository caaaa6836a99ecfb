import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ADDRESS_LIMIT,
  MAX_PAGE_SIZE,
  MIN_PAGE_SIZE,
  alignDown,
  alignUp,
  checkPageSize,
  hex,
  isAligned,
  isPageSize,
  pageOf,
  pageShift,
} from '../../src/address/page.js';

const edges = [2 ** 31, 2 ** 32, 2 ** 40, ADDRESS_LIMIT];
const sizes = Array.from({ length: 10 }, (_, i) => MIN_PAGE_SIZE << i);

describe('alignment is exact round every power of two', () => {
  const table = edges.flatMap((edge) =>
    sizes.flatMap((size) => [
      { address: edge - 1, size, down: edge - size, up: edge, page: edge / size - 1 },
      { address: edge - size, size, down: edge - size, up: edge - size, page: edge / size - 1 },
      { address: edge - size + 1, size, down: edge - size, up: edge, page: edge / size - 1 },
      { address: edge, size, down: edge, up: edge, page: edge / size },
    ]),
  );
  test.each(table)('$address by $size', ({ address, size, down, up, page }) => {
    expect(alignDown(address, size)).toBe(down);
    expect(alignUp(address, size)).toBe(up);
    expect(pageOf(address, size)).toBe(page);
    expect(isAligned(address, size)).toBe(address === down);
  });

  test('agrees with BigInt arithmetic everywhere', () => {
    const address = fc.integer({ min: 0, max: ADDRESS_LIMIT - 1 });
    fc.assert(
      fc.property(address, fc.constantFrom(...sizes), (a, size) => {
        const page = BigInt(a) / BigInt(size);
        expect(pageOf(a, size)).toBe(Number(page));
        expect(alignDown(a, size)).toBe(Number(page * BigInt(size)));
        expect(alignUp(a, size)).toBe(Number(((BigInt(a) + BigInt(size) - 1n) / BigInt(size)) * BigInt(size)));
      }),
    );
  });
});

describe('page sizes', () => {
  test('are the powers of two from 4 KiB to 2 MiB', () => {
    expect(sizes.at(-1)).toBe(MAX_PAGE_SIZE);
    sizes.forEach((size, i) => {
      expect(isPageSize(size)).toBe(true);
      expect(pageShift(size)).toBe(12 + i);
    });
  });

  test.each([0, -4096, 2048, 4095, 4097, 12288, 2 ** 22, 4096.5, NaN, Infinity, 2 ** 32 + 4096])(
    '%d is none',
    (size) => {
      expect(isPageSize(size)).toBe(false);
      expect(() => checkPageSize(size)).toThrow(RangeError);
      expect(() => pageShift(size)).toThrow(RangeError);
    },
  );

  test('what is no number is a TypeError', () => {
    // @ts-expect-error a caller without types
    expect(() => checkPageSize('4096')).toThrow(TypeError);
    expect(isPageSize('4096')).toBe(false);
  });
});

test.each([
  [0, '0x0'],
  [0x7f00_0000_1000, '0x7f0000001000'],
  [ADDRESS_LIMIT, '0x800000000000'],
  [-4096, '-0x1000'],
  [1.5, '1.5'],
  [NaN, 'NaN'],
])('hex(%d) is %s', (address, text) => {
  expect(hex(address)).toBe(text);
});
