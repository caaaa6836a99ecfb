import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { main } from '../src/cli/main.js';
import { formatJson, parseReport } from '../src/index.js';
import { reportOf, result } from './helpers.js';

const backend = fileURLToPath(new URL('fixtures/', import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conformance-'));
});

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await main(argv, { out: (text) => (out += text), err: (text) => (err += text), tty: false });
  return { code, out, err };
}

describe('running', () => {
  test('0 when all pass, with a report that can be read', async () => {
    const { code, out } = await run(
      '--backend',
      `${backend}good.ts`,
      '--filter',
      'driver/mapping:read-through-entry',
      '--format',
      'json',
    );
    expect(code).toBe(0);
    const report = parseReport(out);
    expect(report.backend).toBe('memory');
    expect(report.results.length).toBe(3);
    expect(report.results.every(({ status }) => status === 'pass')).toBe(true);
  });

  test('1 when a case fails, and the report names the rule', async () => {
    const { code, out } = await run('--backend', `${backend}bad.ts`, '--filter', 'driver/limit:information');
    expect(code).toBe(1);
    expect(out).toContain('✗ driver/limit:information');
    expect(out).toContain('rule: ');
  });

  test('1 when no case ran', async () => {
    expect((await run('--backend', `${backend}good.ts`, '--filter', 'nothing like this')).code).toBe(1);
    const skipped = await run('--backend', `${backend}good.ts`, '--filter', 'driver/exclusive:atomics-unclaimed');
    expect(skipped.code).toBe(1);
    expect(skipped.out).toContain('no case ran');
  });

  test('--backend-options reach the backend', async () => {
    const options = '{"features":["replayable-faults"]}';
    const { code } = await run(
      '--backend',
      `${backend}good.ts`,
      '--backend-options',
      options,
      '--filter',
      'atomics-unclaimed',
    );
    expect(code).toBe(0);
  });

  test('--output writes the report to a file', async () => {
    const file = join(folder, 'report.json');
    const { code, out } = await run(
      '--backend',
      `${backend}good.ts`,
      '--filter',
      'limits-are-sane',
      '--format',
      'json',
      '--output',
      file,
    );
    expect([code, out]).toEqual([0, '']);
    expect(parseReport(await readFile(file, 'utf8')).results).toHaveLength(1);
  });

  test('a package is found by name', async () => {
    const { code } = await run('--backend', '@mirrorspace/no-such-package');
    expect(code).toBe(2);
  });
});

describe('listing', () => {
  test('prints addresses and opens nothing', async () => {
    const { code, out } = await run('--list', '--filter', 'area:leak');
    expect(code).toBe(0);
    expect(out.split('\n')).toContain('driver/leak:mmus-come-and-go');
    expect((await run('--list', '--filter', 'nothing like this')).code).toBe(1);
  });
});

describe('bad options', () => {
  const bad: Record<string, string[]> = {
    'no backend': [],
    'unknown option': ['--bogus'],
    'seed that is no number': ['--backend', 'x', '--seed', 'many'],
    'unknown format': ['--backend', 'x', '--format', 'xml'],
    'options that are no JSON': ['--backend', 'x', '--backend-options', '{'],
    'missing file': ['--backend', './no-such-file.js'],
    'module without a backend': ['--backend', `${backend}none.ts`],
    'module with two backends': ['--backend', `${backend}two.ts`],
    'missing report': ['merge', './no-such-report.json'],
  };
  for (const [what, argv] of Object.entries(bad)) {
    test(what, async () => {
      const { code, out, err } = await run(...argv);
      expect([code, out]).toEqual([2, '']);
      expect(err).toMatch(/^error: ./);
    });
  }
});

describe('reports', () => {
  test('merge and compare', async () => {
    const [one, two] = [join(folder, 'one.json'), join(folder, 'two.json')];
    await writeFile(one, formatJson(reportOf(result('a', 'pass'), result('b', 'fail'))));
    await writeFile(two, formatJson(reportOf(result('a', 'fail'), result('b', 'pass'))));
    const merged = await run('merge', one, two);
    expect(merged.code).toBe(1);
    expect(parseReport(merged.out).results.map(({ status }) => status)).toEqual(['fail', 'fail']);
    const compared = await run('compare', one, two);
    expect(compared.code).toBe(1);
    expect(JSON.parse(compared.out)).toMatchObject({ fixed: ['b'], broken: ['a'] });
    expect((await run('compare', one, one)).code).toBe(0);
  });
});
