import { readFile, stat } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { openPageTrace } from '../../src/trace/file.js';
import { decodeTrace } from '../../src/trace/format.js';
import { pageTraceMeta } from '@mirrorspace/core';
import { actorOf, isWrite, launchOf } from '../../src/trace/page-trace.js';
import { PageTraceWriter, writeAll } from '../../src/trace/writer.js';
import { chunkOf, expectRefusal, fileOf, fresh, recordsOf, type TraceRecord } from './helpers.js';

const u32 = (value: number) => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
const MAGIC = [...Buffer.from('MSTRACE1')];
/** By hand: 4 KiB pages; the CPU writes page 7, actor 3 reads page 2^32 - 1 in launch 5. */
const TWO = Uint8Array.from([
  ...MAGIC,
  ...u32(4096),
  ...u32(2),
  7,
  0,
  0,
  0,
  1,
  0,
  0,
  0,
  255,
  255,
  255,
  255,
  6,
  5,
  0,
  0,
]);
const TWO_RECORDS: TraceRecord[] = [
  [7, 1],
  [2 ** 32 - 1, (5 << 8) | (3 << 1)],
];

const record = fc.tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }));

async function* portions(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths.length === 0 ? bytes.length : lengths[i % lengths.length]!;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

async function write(path: string, records: readonly TraceRecord[], pageSize = 4096): Promise<void> {
  const writer = await PageTraceWriter.create(path, { pageSize });
  await writer.append(chunkOf(records));
  await writer.close();
}

describe('reading', () => {
  it('gives what was laid down by hand, plain and gzip, under whatever name', async () => {
    for (const path of [await fileOf('a.mstrace', TWO), await fileOf('b.mstrace', gzipSync(TWO))]) {
      const trace = await openPageTrace(path);
      expect([trace.pageSize, trace.records]).toEqual([4096, 2]);
      expect(await recordsOf(trace)).toEqual(TWO_RECORDS);
      expect(await recordsOf(trace)).toEqual(TWO_RECORDS);
    }
  });

  it('does not care how the bytes come in portions', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 }),
        async (records, lengths) => {
          const bytes = Uint8Array.from([
            ...MAGIC,
            ...u32(65536),
            ...u32(records.length),
            ...records.flat().flatMap(u32),
          ]);
          expect(await recordsOf(decodeTrace(portions(bytes, lengths), 'bytes'))).toEqual(records);
        },
      ),
    );
  });

  it('hands out many records in the same few arrays', async () => {
    const bytes = new Uint8Array(16 + 8 * 200_000);
    bytes.set([...MAGIC, ...u32(4096), ...u32(200_000)]);
    const arrays = new Set<Uint32Array>();
    let count = 0;
    for await (const chunk of decodeTrace(portions(bytes, [65536]), 'bytes')) {
      arrays.add(chunk.pages);
      count += chunk.count;
    }
    expect([arrays.size, count]).toEqual([1, 200_000]);
  });
});

describe('refusals', () => {
  test.each(Array.from(TWO.keys()))('of a file that ends after %d bytes', async (length) => {
    const read = async (bytes: Uint8Array) => recordsOf(await openPageTrace(await fileOf('cut.mstrace', bytes)));
    await expectRefusal(read(TWO.subarray(0, length)), 'TRUNCATED', length);
    await expectRefusal(read(gzipSync(TWO.subarray(0, length))), 'TRUNCATED', length);
  });

  test.each([0, 3, 7])('of another magic, at byte %d', async (at) => {
    const bytes = TWO.slice();
    bytes[at]!++;
    await expectRefusal(openPageTrace(await fileOf('other', bytes)), 'BAD_MAGIC', at);
  });

  test.each([0, 1, 100, 256, 4097, 2 ** 31])('of a page of %d bytes', async (pageSize) => {
    const bytes = TWO.slice();
    bytes.set(u32(pageSize), 8);
    await expectRefusal(openPageTrace(await fileOf('odd', bytes)), 'BAD_PAGE_SIZE', 8);
  });

  it('of bytes behind the last record', async () => {
    for (const extra of [1, 8, 9]) {
      const trace = await openPageTrace(await fileOf('long', Uint8Array.from([...TWO, ...new Uint8Array(extra)])));
      await expectRefusal(recordsOf(trace), 'TRAILING_BYTES', TWO.length);
    }
  });

  it('of gzip data that are damaged or cut off', async () => {
    const records = Array.from({ length: 5000 }, (_, i): TraceRecord => [(i * 2654435761) >>> 0, i]);
    const path = await fresh('whole.mstrace.gz');
    await write(path, records);
    const whole = await readFile(path);
    for (const cut of [20, 41, 60, whole.length >> 1, whole.length - 1]) {
      const read = async () => recordsOf(await openPageTrace(await fileOf('cut.gz', whole.subarray(0, cut))));
      await expectRefusal(read(), 'BAD_COMPRESSION');
    }
    const damaged = Uint8Array.from(whole);
    damaged[whole.length >> 1]! ^= 0xff;
    await expectRefusal(
      (async () => recordsOf(await openPageTrace(await fileOf('bad.gz', damaged))))(),
      'BAD_COMPRESSION',
    );
  });

  it('of a file that is not there, by what the system says', async () => {
    await expect(openPageTrace('/nowhere/x.mstrace')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('writing', () => {
  it('gives back what was written, plain and gzip, and gzip that any tool can read', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 100 }), fc.constantFrom('', '.gz'), async (records, end) => {
        const path = await fresh(`t.mstrace${end}`);
        await write(path, records);
        const trace = await openPageTrace(path);
        expect(trace.records).toBe(records.length);
        expect(await recordsOf(trace)).toEqual(records);
        const bytes = await readFile(path);
        expect((end === '' ? bytes : gunzipSync(bytes)).length).toBe(16 + 8 * records.length);
      }),
      { numRuns: 30 },
    );
  });

  it('counts over many chunks, and leaves nothing behind when given up', async () => {
    const path = await fresh('t.mstrace.gz');
    const writer = await PageTraceWriter.create(path, { pageSize: 65536 });
    const some = chunkOf(Array.from({ length: 20_000 }, (_, i): TraceRecord => [i, 0]));
    for (let i = 0; i < 20; i++) await writer.append(some);
    await expect(stat(path)).rejects.toThrow();
    await writer.close();
    const trace = await openPageTrace(path);
    expect([trace.records, (await recordsOf(trace)).length, trace.pageSize]).toEqual([400_000, 400_000, 65536]);
    const other = await PageTraceWriter.create(`${path}2`, { pageSize: 4096 });
    await other.append(some);
    await other.abort();
    await expect(stat(`${path}2.part`)).rejects.toThrow();
  });

  it('refuses what does not fit', async () => {
    await expect(PageTraceWriter.create('/tmp/never', { pageSize: 5000 })).rejects.toThrow(RangeError);
    await expect(PageTraceWriter.create('/nowhere/x', { pageSize: 4096 })).rejects.toMatchObject({ code: 'ENOENT' });
    expect(() => pageTraceMeta(true, 128, 0)).toThrow(RangeError);
    expect(() => pageTraceMeta(true, 0, 2 ** 24)).toThrow(RangeError);
    expect(() => pageTraceMeta(true, 0.5, 0)).toThrow(RangeError);
  });

  it('packs and unpacks who did what', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.integer({ min: 0, max: 127 }),
        fc.integer({ min: 0, max: 2 ** 24 - 1 }),
        (w, a, l) => {
          const meta = pageTraceMeta(w, a, l);
          expect([isWrite(meta), actorOf(meta), launchOf(meta)]).toEqual([w, a, l]);
        },
      ),
    );
  });
});

it('reads large gzip files without leaving listeners behind', async () => {
  const warnings: Error[] = [];
  const hear = (warning: Error) => warnings.push(warning);
  process.on('warning', hear);
  try {
    // Noise, which gzip makes no smaller: many portions of the file.
    let state = 1;
    const noise = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0);
    const records = Array.from({ length: 200_000 }, (): TraceRecord => [noise(), noise()]);
    const path = await fresh('large.mstrace.gz');
    const writer = await PageTraceWriter.create(path, { pageSize: 4096 });
    await writer.append(chunkOf(records));
    await writer.close();
    expect((await stat(path)).size).toBeGreaterThan(2 ** 20);
    expect(await recordsOf(await openPageTrace(path))).toHaveLength(records.length);
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
  } finally {
    process.off('warning', hear);
  }
});

it('writes all of it where a write takes only a part, and says where nothing goes any more', async () => {
  const written: number[] = [];
  const slow = {
    write: (bytes: Uint8Array, offset: number, length: number, position: number | null) => {
      const bytesWritten = Math.min(length, 3);
      for (let i = 0; i < bytesWritten; i++)
        written[(position ?? written.length) + i * Number(position !== null)] = bytes[offset + i]!;
      return Promise.resolve({ bytesWritten, buffer: bytes });
    },
  };
  const bytes = Uint8Array.from({ length: 10 }, (_, i) => i + 1);
  await writeAll(slow as never, bytes);
  await writeAll(slow as never, Uint8Array.of(101, 102, 103, 104), 2);
  expect(written).toEqual([1, 2, 101, 102, 103, 104, 7, 8, 9, 10]);
  const full = { write: () => Promise.resolve({ bytesWritten: 0 }) };
  await expect(writeAll(full as never, bytes)).rejects.toThrow('10 bytes could not be written');
});
