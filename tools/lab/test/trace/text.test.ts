import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { csvTrace, type CsvOptions } from '../../src/trace/csv.js';
import { lackeyTrace, type LackeyOptions } from '../../src/trace/lackey.js';
import { openTrace } from '../../src/trace/open.js';
import { expectRefusal, fileOf, recordsOf } from './helpers.js';

const lackey = async (text: string, options?: LackeyOptions) =>
  recordsOf(lackeyTrace(await fileOf('t.lackey', text), options));
const csv = async (text: string, options?: CsvOptions) => recordsOf(csvTrace(await fileOf('t.csv', text), options));

/** As valgrind 3.19 prints it. */
const LACKEY = `==12== Lackey, an example Valgrind tool
==12== Command: /bin/true
I  0400a000,3
 S 1ffeffd000,8
I  0400a003,5
 L 1ffeffd008,8
 M 1ffeffdffc,8
 L 04223000,4
--12-- a warning
 L 04223ff8,16
==12== Counted 0 calls to main()
`;

describe('lackey', () => {
  it('reads loads, stores and modifications; what spans two pages is two records', async () => {
    // Blocks of 2 MiB in the order of their first touch: 1ffee00000 is 0, 04200000 is 1.
    const stack = 0x1fd;
    expect(await lackey(LACKEY)).toEqual([
      [stack, 1],
      [stack, 0],
      [stack, 1],
      [stack + 1, 1],
      [512 + 0x23, 0],
      [512 + 0x24, 0],
    ]);
  });

  it('counts instructions where asked to, and pages of another size', async () => {
    expect(await lackey('I  00001000,3\nI  00001003,3\n L 00001000,4\n', { instructions: true })).toEqual([[1, 0]]);
    expect(await lackey(' L 00fff000,1\n L 01000000,1\n', { pageSize: 65536 })).toEqual([
      [31, 0],
      [32, 0],
    ]);
  });

  it('reads gzip, other line ends, and a last line without end', async () => {
    const path = await fileOf('t.gz', gzipSync(' L 00001000,4\r\n S 00002000,4'));
    expect(await recordsOf(await openTrace(path))).toEqual([
      [1, 0],
      [2, 1],
    ]);
  });

  test.each([
    [' L 1000,4\n X 1000,4\n', 10],
    [' L ,4\n', 0],
    [' L 1000\n', 0],
    [' L 1000,\n', 0],
    [' L 1000,4x\n', 0],
    [' L 123456789abcdef01,4\n', 0],
    ['==1== fine\nhello\n', 11],
  ])('refuses %j at byte %d', async (text, offset) => {
    await expectRefusal(lackey(text), 'BAD_LINE', offset);
  });

  it('keeps neighbours in a block of 2 MiB together, wherever they are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 2 ** 35 - 1 }), { minLength: 1, maxLength: 40 }),
        async (pages) => {
          const text = pages.map((page) => ` L ${(page * 4096).toString(16)},8\n`).join('');
          const blocks = [...new Set(pages.map((page) => Math.floor(page / 512)))];
          const expected = pages
            .map((page) => blocks.indexOf(Math.floor(page / 512)) * 512 + (page % 512))
            .filter((page, i, all) => page !== all[i - 1]);
          expect((await lackey(text)).map(([page]) => page)).toEqual(expected);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('csv', () => {
  it('numbers objects in the order in which they come up, without the title', async () => {
    const expected = [
      [0, 0],
      [1, 0],
      [0, 0],
    ];
    expect(await csv('# time, object, size, next\n0,7,1,2\n1,9,1,-2\n2,7,1,-2\n')).toEqual(expected);
    expect(await csv('time,object,size\n0,a b,1\n1,c,1\n2,a b,1\n')).toEqual(expected);
    expect(await csv('0,7,1\n1,9,1\n2,7,1\n')).toEqual(expected);
    expect(await recordsOf(await openTrace(await fileOf('t', 'time,object,size\n0,7,1\n1,9,1\n2,7,1\n')))).toEqual(
      expected,
    );
  });

  it('takes other columns, another delimiter, operations and page numbers', async () => {
    const options = { idColumn: 3, operationColumn: 2, delimiter: ';', numeric: true, header: false };
    expect(await csv('1;write;17\n2;r;4294967295\n3; Set;0\n', options)).toEqual([
      [17, 1],
      [2 ** 32 - 1, 0],
      [0, 1],
    ]);
  });

  test.each<[string, CsvOptions, number]>([
    ['0,1,1\n1\n', {}, 6],
    ['0,,1\n', {}, 0],
    ['0,5\n1,x\n', { numeric: true }, 4],
    ['0,1.5\n', { numeric: true }, 0],
    ['0,-1\n', { numeric: true }, 0],
    ['0,4294967296\n', { numeric: true }, 0],
    ['0,1\n', { operationColumn: 4 }, 0],
  ])('refuses %j with %j at byte %d', async (text, options, offset) => {
    await expectRefusal(csv(text, options), 'BAD_LINE', offset);
  });

  it('refuses bad options at once, and lines that never end', async () => {
    expect(() => csvTrace('x', { idColumn: 0 })).toThrow(RangeError);
    expect(() => csvTrace('x', { delimiter: ', ' })).toThrow(RangeError);
    expect(() => csvTrace('x', { pageSize: 3 })).toThrow(RangeError);
    expect(() => lackeyTrace('x', { pageSize: 3 })).toThrow(RangeError);
    await expectRefusal(csv('1'.repeat(200_000)), 'BAD_LINE', 0);
  });
});

it('what is no trace is refused', async () => {
  for (const text of ['', 'hello\n', '\x7fELF'])
    await expectRefusal(openTrace(await fileOf('t', text)), 'BAD_MAGIC', 0);
});
