import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, expect, it, vi } from 'vitest';
import { reportCommand } from '../src/report/command.js';
import { mergeCommand, sweepCommand } from '../src/sweep/command.js';
import { Results } from '../src/sweep/results.js';
import { tableCommand } from '../src/table/command.js';
import { geometricMean } from '../src/table/tables.js';
import { fileOf, freshFolder } from './trace/helpers.js';

vi.setConfig({ testTimeout: 120_000 });
afterEach(() => vi.restoreAllMocks());

const from = { from: 'user' } as const;
const TEXT = Array.from({ length: 200 }, (_, i) => ` ${i % 3 === 0 ? 'S' : 'L'} ${((i * 7) % 40) + 16}000,4\n`).join(
  '',
);
const JOBS = ['--threads', '0', '--memory', '50%,100%', '--policies', 'uvm,lru+none?aging=1', '--window', '1,64'];

async function quietly(run: () => Promise<unknown>): Promise<void> {
  vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await run();
}

async function rowsOf(path: string) {
  const results = new Results();
  await results.read(path);
  return results.rows;
}

it('is the same in parts as in one piece, and goes on where it was', async () => {
  const folder = await freshFolder();
  const trace = await fileOf('t.lackey', TEXT);
  const run = (out: string, ...more: string[]) =>
    quietly(() => sweepCommand().parseAsync([trace, ...JOBS, '--out', `${folder}/${out}`, ...more], from));
  await run('whole.json');
  await run('a.json', '--part', '1/3');
  await run('b.json', '--part', '2/3');
  const whole = await rowsOf(`${folder}/whole.json`);
  expect(whole).toHaveLength(8);
  expect((await rowsOf(`${folder}/a.json`)).length + (await rowsOf(`${folder}/b.json`)).length).toBeLessThan(8);
  await quietly(() =>
    mergeCommand().parseAsync([`${folder}/merged.json`, `${folder}/a.json`, `${folder}/b.json`], from),
  );
  await run('merged.json');
  expect(await rowsOf(`${folder}/merged.json`)).toEqual(whole);
  expect(await readFile(`${folder}/merged.json`, 'utf8')).toBe(await readFile(`${folder}/whole.json`, 'utf8'));
});

it('does not merge results that contradict each other', async () => {
  const folder = await freshFolder();
  const trace = await fileOf('t.lackey', TEXT);
  await quietly(() => sweepCommand().parseAsync([trace, ...JOBS, '--out', `${folder}/a.json`], from));
  const other = (await readFile(`${folder}/a.json`, 'utf8')).replace(/"faults":\d+/, '"faults":1');
  await writeFile(`${folder}/b.json`, other);
  await expect(mergeCommand().parseAsync([`${folder}/a.json`, `${folder}/b.json`], from)).rejects.toThrow('differ');
});

it('lab table puts geometric means between the marks of a document, and leaves the rest', async () => {
  const folder = await freshFolder();
  await writeFile(`${folder}/one.mstrace`, await readFile(await mstrace()));
  await writeFile(`${folder}/doc.md`, 'above\n<!-- lab table: begin -->\nold\n<!-- lab table: end -->\nbelow\n');
  const options = ['--traces', folder, '--document', `${folder}/doc.md`, '--out', `${folder}/r.json`, ...JOBS];
  await quietly(() => tableCommand().parseAsync(options, from));
  const text = await readFile(`${folder}/doc.md`, 'utf8');
  expect(text).toMatch(
    /^above\n<!-- lab table: begin -->\n\n### Estimated time .*\n\n\| memory \| window \| `uvm` \| `lru\+none\?aging=1` \|\n/,
  );
  expect(text).toMatch(/\| 50% \| serial \| 1\.00 \| \d/);
  expect(text).toMatch(/\n\n<!-- lab table: end -->\nbelow\n$/);
  expect(text).not.toContain('old');
  expect(geometricMean([0.5, 2])).toBeCloseTo(1);
});

it('lab report is one page that needs nothing else', async () => {
  const folder = await freshFolder();
  const trace = await fileOf('t.lackey', TEXT);
  const out = `${folder}/report.html`;
  await quietly(() => reportCommand().parseAsync([trace, '--policies', 'uvm,lru+none', '--out', out], from));
  const html = await readFile(out, 'utf8');
  expect(html.match(/<img src="data:image\/png;base64,/g)).toHaveLength(3);
  expect(html.match(/<svg /g)!.length).toBeGreaterThanOrEqual(3);
  expect(html).toContain('least-recently-allocated');
  expect(html.replaceAll('http://www.w3.org/', '')).not.toMatch(/(src|href)="(?!data:)|https?:\/\//);
});

/** The trace as a page trace. */
async function mstrace(): Promise<string> {
  const { convert } = await import('../src/trace/command.js');
  const { openTrace } = await import('../src/trace/open.js');
  const to = `${await freshFolder()}/one.mstrace`;
  await convert(await openTrace(await fileOf('t.lackey', TEXT)), to);
  return to;
}
