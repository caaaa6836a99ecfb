import { describe, expect, test } from 'vitest';
import { placePages } from '../src/page/page-order.js';

describe.each(['hilbert', 'address'] as const)('pages in %s order', (order) => {
  test.each([1, 2, 5, 48, 160, 1239, 8191, 8192, 16_384])('%i pages have a cell each', (pages) => {
    const { width, height, cells } = placePages(pages, order);
    expect(new Set(cells).size).toBe(pages);
    expect(Math.max(...cells)).toBeLessThan(width * height);
    if (pages > 8) expect(width / height).toBeGreaterThan(1);
    if (pages > 8) expect(width / height).toBeLessThanOrEqual(8);
  });
});

test.each([160, 1239, 8192])('along the curve, the next of %i pages is the neighbour, across squares, too', (pages) => {
  const { width, cells } = placePages(pages, 'hilbert');
  for (let page = 1; page < pages; page += 1) {
    const [from, to] = [cells[page - 1]!, cells[page]!];
    const across = Math.abs((from % width) - (to % width));
    const down = Math.abs(Math.floor(from / width) - Math.floor(to / width));
    expect(across + down, `page ${page}`).toBe(1);
  }
});
