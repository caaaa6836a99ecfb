import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import type { BrokenDevice } from '../../src/broken/device.js';
import { brokenDevices } from '../../src/broken/devices/index.js';
import { main } from '../../src/broken/main.js';
import { driverCases } from '../../src/index.js';

const harmless: BrokenDevice = {
  name: 'test/harmless',
  breaks: 'nothing',
  rules: ['Device.now'],
  wrap: (device) => device,
};
const caught = brokenDevices.filter(({ name }) => name === 'limits/clock-backwards');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'broken-'));
});

async function run(
  devices: readonly BrokenDevice[],
  results: string | undefined,
  ...argv: string[]
): Promise<{ code: number; out: string }> {
  let out = '';
  const cases = driverCases.filter(({ address }) => address === 'driver/queue:clock');
  const setting = { devices, cases, out: (text: string) => void (out += text) };
  const url = results === undefined ? undefined : pathToFileURL(`${join(folder, results)}/`);
  const code = await main(argv, url ? { ...setting, results: url } : setting);
  return { code, out };
}

test('0 when all are caught: a table, the counts, and the last line', async () => {
  const { code, out } = await run(caught, 'all');
  expect(code).toBe(0);
  expect(out).toContain('driver/queue:clock');
  expect(out).toContain('Device.now: microseconds');
  expect(out.trimEnd().split('\n').at(-1)).toBe('1 of 1 caught');
  expect(JSON.parse(await readFile(join(folder, 'all', 'broken.json'), 'utf8'))).toEqual({
    passed: 2,
    failed: 0,
    failures: [],
  });
});

test('1 when one escapes, and it says which rule needs a case', async () => {
  const { code, out } = await run([...caught, harmless], 'one');
  expect(code).toBe(1);
  expect(out).toMatch(/test\/harmless[^]*escaped 1 cases whose rule names Device\.now/);
  expect(out.trimEnd().split('\n').at(-1)).toBe('1 of 2 caught');
  expect(JSON.parse(await readFile(join(folder, 'one', 'broken.json'), 'utf8'))).toMatchObject({
    passed: 2,
    failed: 1,
    failures: [{ name: 'test/harmless' }],
  });
});

test('--filter runs a part and leaves no counts', async () => {
  const { code, out } = await run([...caught, harmless], 'part', '--filter', 'clock');
  expect(code).toBe(0);
  expect(out).not.toContain('harmless');
  expect(await readdir(folder)).not.toContain('part');
});

test('--list runs nothing', async () => {
  const { code, out } = await run([harmless], undefined, '--list');
  expect([code, out]).toEqual([0, 'test/harmless: nothing\n']);
});

test('2 for bad options', async () => {
  expect((await run([harmless], undefined, '--filter', 'no-such-device')).code).toBe(2);
  expect((await run([harmless], undefined, '--no-such-option')).code).toBe(2);
});
