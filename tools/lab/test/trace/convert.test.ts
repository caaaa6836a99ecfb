import { stat } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { convert, summarize } from '../../src/trace/command.js';
import { openTrace } from '../../src/trace/open.js';
import { expectRefusal, fileOf, fresh, recordsOf } from './helpers.js';

const TEXT = ' L 00001000,4\n S 00002000,4\n L 00001000,4\n';

it('a trace of another kind becomes a page trace, and says what is in it', async () => {
  const from = await openTrace(await fileOf('t.lackey', TEXT));
  const path = await fresh('t.mstrace.gz');
  expect(await convert(from, path)).toBe(3);
  const trace = await openTrace(path);
  expect(await recordsOf(trace)).toEqual(await recordsOf(from));
  const { name: _, ...summary } = await summarize(trace);
  expect(summary).toEqual({ pageSize: 4096, records: 3, writes: 1, pages: 2, launches: 1 });
});

it('a trace that ends badly becomes no file', async () => {
  const path = await fresh('t.mstrace');
  const from = await openTrace(await fileOf('t.lackey', `${TEXT}?\n`));
  await expectRefusal(convert(from, path), 'BAD_LINE', TEXT.length);
  await expect(stat(path)).rejects.toThrow();
  await expect(stat(`${path}.part`)).rejects.toThrow();
});
