import { afterEach, expect, it, vi } from 'vitest';
import { bareCommand } from '../src/bare/command.js';
import type { BareResult } from '../src/bare/run.js';
import { replayCommand } from '../src/replay/command.js';
import type { ReplayRow } from '../src/replay/job.js';
import { traceCommand } from '../src/trace/command.js';
import { fileOf, fresh } from './trace/helpers.js';

vi.setConfig({ testTimeout: 30_000 });

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** What a command prints. */
async function printed(run: () => Promise<unknown>): Promise<string[]> {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line));
  await run();
  return lines;
}

const from = { from: 'user' } as const;
const TEXT = [1, 2, 3, 4, 1, 2, 3, 4].map((page) => ` ${page === 2 ? 'S' : 'L'} ${page}000,4\n`).join('');

it('lab replay prints a line of JSON a job: sizes, windows and policies crossed', async () => {
  const path = await fileOf('t.lackey', TEXT);
  const options = ['--memory', '50%,3', '--policies', 'lru+none,fifo+next', '--window', '1,4', '--batch-us', '10'];
  const lines = await printed(() => replayCommand().parseAsync([path, ...options, '--json'], from));
  const rows = lines.map((line) => JSON.parse(line) as ReplayRow);
  expect(rows.map(({ room, window, policy }) => `${room} ${window} ${policy}`)).toEqual(
    [2, 3].flatMap((room) => [1, 4].flatMap((window) => [`${room} ${window} lru+none`, `${room} ${window} fifo+next`])),
  );
  for (const row of rows) {
    expect(row.stallUs).toBe(row.batches * 10);
    expect(row.accesses).toBe(8);
    if (row.window === 1) expect(row.pagesIn).toBeGreaterThanOrEqual(row.beladyPagesIn!);
  }
});

it('lab replay prints a table', async () => {
  const path = await fileOf('t.lackey', TEXT);
  const [text] = await printed(() =>
    replayCommand().parseAsync([path, '--policies', 'lru+none,uvm', '--memory', '4'], from),
  );
  expect(text).toMatch(/4 pages\n\npolicy +room.*\n-.*\nlru\+none +4 /);
});

it('lab bare replays traces and Zipf streams', async () => {
  const path = await fileOf('t.lackey', TEXT);
  const [trace] = await printed(() =>
    bareCommand().parseAsync(['trace', path, '--memory', '3', '--policies', 'lru,belady', '--json'], from),
  );
  expect((JSON.parse(trace!) as BareResult[]).map(({ policy, misses }) => [policy, misses])).toEqual([
    ['lru', 8],
    ['belady', 5],
  ]);
  const zipf = ['zipf', '--requests', '1000', '--pages', '100', '--room', '10', '--policies', 'arc'];
  const [table] = await printed(() => bareCommand().parseAsync(zipf, from));
  expect(table).toMatch(/^policy.*\n-.*\narc +10 /);
});

it('a trace that is refused is a line on stderr and exit code 1', async () => {
  const path = await fileOf('t.csv', '0,1\n1\n');
  for (const run of [
    () => replayCommand().parseAsync([path], from),
    () => traceCommand().parseAsync(['info', path], from),
  ]) {
    const lines = await printed(run);
    expect(lines.join()).toMatch(/^BAD_LINE: .*\(byte 4\)$/);
    expect(process.exitCode).toBe(1);
    process.exitCode = undefined;
  }
});

it('lab trace converts, and says what is there', async () => {
  const to = await fresh('t.mstrace.gz');
  const path = await fileOf('t.lackey', TEXT);
  expect(await printed(() => traceCommand().parseAsync(['convert', path, to], from))).toEqual(['8 records']);
  const [info] = await printed(() => traceCommand().parseAsync(['info', to], from));
  expect(JSON.parse(info!)).toMatchObject({ records: 8, writes: 2, pages: 4 });
});
