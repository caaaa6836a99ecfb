import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IdList } from '../../src/address/id-list.js';
import { PAGE_NUMBER_LIMIT, PageTable } from '../../src/address/page-table.js';

function pagesIn(table: PageTable, start: number, end: number): number[] {
  const out = new IdList(1);
  expect(table.collect(start, end, out)).toBe(out.length);
  return Array.from(out.items.subarray(0, out.length), (slot) => table.pageOfSlot(slot));
}

function walk(table: PageTable, start: number, end: number): number[] {
  const pages: number[] = [];
  for (let slot = table.nextSlot(start, end); slot >= 0;) {
    const page = table.pageOfSlot(slot);
    pages.push(page);
    slot = table.nextSlot(page + 1, end);
  }
  return pages;
}

const page = fc
  .tuple(fc.constantFrom(0, 2 ** 29 - 20, 2 ** 32 - 20, PAGE_NUMBER_LIMIT - 200), fc.integer({ min: 0, max: 199 }))
  .map(([base, offset]) => base + offset);
const entry = fc.integer({ min: 1, max: 2 ** 32 - 1 });

test('behaves as a Map under any sequence of changes', () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ op: fc.constant('set' as const), page, entry }) },
    { weight: 3, arbitrary: fc.record({ op: fc.constant('delete' as const), page }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('ensure' as const), page }) },
    {
      weight: 1,
      arbitrary: fc.record({ op: fc.constant('collect' as const), page, span: fc.integer({ min: 0, max: 300 }) }),
    },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('all' as const) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const table = new PageTable();
      const model = new Map<number, number>();
      const inModel = (start: number, end: number) =>
        [...model.keys()].filter((p) => p >= start && p < end).sort((a, b) => a - b);
      for (const s of steps) {
        if (s.op === 'set') {
          const slot = table.set(s.page, s.entry);
          model.set(s.page, s.entry);
          expect(table.pageOfSlot(slot)).toBe(s.page);
          expect(table.entry(slot)).toBe(s.entry);
          expect(slot).toBeLessThan(table.slotLimit);
        } else if (s.op === 'delete') {
          expect(table.delete(s.page)).toBe(model.get(s.page) ?? 0);
          model.delete(s.page);
        } else if (s.op === 'ensure') {
          const slot = table.ensure(s.page);
          expect(table.entry(slot)).toBe(model.get(s.page) ?? 0);
          expect(table.find(s.page)).toBe(slot);
        } else if (s.op === 'collect') {
          expect(pagesIn(table, s.page, s.page + s.span)).toEqual(inModel(s.page, s.page + s.span));
          expect(walk(table, s.page, s.page + s.span)).toEqual(inModel(s.page, s.page + s.span));
          for (let p = s.page; p < s.page + s.span; p++) {
            const place = table.placeOf(p);
            expect(place < 0 ? 0 : table.words[place]).toBe(model.get(p) ?? 0);
          }
        } else {
          expect(pagesIn(table, 0, PAGE_NUMBER_LIMIT)).toEqual(inModel(0, PAGE_NUMBER_LIMIT));
        }
        expect(table.size).toBe(model.size);
      }
      for (const [p, e] of model) expect(table.get(p)).toBe(e);
    }),
    { numRuns: 300 },
  );
});

test('a slot stays with its page while others come and go', () => {
  const table = new PageTable();
  const slot = table.set(123_456_789, 42);
  for (let i = 0; i < 5000; i++) table.set(i * 16, 1);
  for (let i = 0; i < 5000; i++) table.delete(i * 16);
  expect(table.find(123_456_789)).toBe(slot);
  expect(table.entry(slot)).toBe(42);
  expect(table.size).toBe(1);
});

test('leaves are recycled, and only when they are empty', () => {
  const table = new PageTable();
  const a = table.set(8, 1);
  const b = table.set(9, 2);
  table.setEntry(a, 0);
  expect(table.release(a)).toBe(false);
  expect(table.get(9)).toBe(2);
  table.setEntry(b, 0);
  expect(table.find(8)).toBe(a);
  expect(table.release(a)).toBe(true);
  expect(table.find(8)).toBe(-1);
  const limit = table.slotLimit;
  for (let i = 0; i < 1000; i++) {
    table.set(i * 64, 7);
    table.delete(i * 64);
  }
  expect(table.slotLimit).toBe(limit);
});

test('ten million dense pages take at most 6.5 bytes each, and never 8 on the way', () => {
  const table = new PageTable();
  let worst = 0;
  for (let p = 0; p < 10_000_000; p++) {
    table.set(p, p + 1);
    if (p > 5_000_000 && p % 8 === 0) worst = Math.max(worst, table.bytes / p);
  }
  expect(table.bytes).toBeLessThanOrEqual(6.5 * 10_000_000);
  expect(worst).toBeLessThan(8);
  for (let p = 0; p < 10_000_000; p += 9973) expect(table.get(p)).toBe(p + 1);
  table.clear();
  expect(table.size).toBe(0);
  expect(table.get(0)).toBe(0);
  expect(table.bytes).toBeLessThan(1024);
});

test('a thousand pages touched in a terabyte take at most 56 KiB', () => {
  const table = new PageTable();
  const pages = Array.from({ length: 1000 }, (_, i) => (Math.imul(i, 0x9e3779b1) >>> 0) % 2 ** 28);
  for (const p of pages) table.set(p, 1);
  expect(table.size).toBe(1000);
  expect(table.bytes).toBeLessThanOrEqual(56 * 1024);
  expect(pagesIn(table, 0, 2 ** 28)).toEqual(pages.sort((a, b) => a - b));
});

test('taking leaves out leaves every other one to be found', () => {
  const table = new PageTable();
  const pages = Array.from({ length: 3000 }, (_, i) => (Math.imul(i * i + i, 0x27d4eb2d) >>> 0) * 8);
  pages.forEach((p, i) => table.set(p, i + 1));
  pages.forEach((p, i) => i % 3 !== 0 && table.delete(p));
  expect(pages.filter((p, i) => table.get(p) !== (i % 3 === 0 ? i + 1 : 0))).toEqual([]);
});

test('a free leaf is not taken for the page whose key its link equals', () => {
  const table = new PageTable();
  table.set(100 * 8, 1);
  table.set(200 * 8, 2);
  table.delete(100 * 8);
  table.delete(200 * 8);
  expect(table.find(0)).toBe(-1);
});
