import { bundle, openBrowser, serve } from '@mirrorspace/browser';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Outcome } from './fixtures/drive.js';
import type {} from './fixtures/drive-page.js';

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
/** After this a process that hangs is killed. */
const LIMIT_MS = 90_000;

function check(outcome: Outcome): void {
  const { idle, busy, inFlight, stopMs } = outcome;
  expect(outcome).toMatchObject({ correct: true, alone: true, bytesHeld: 0, afterwards: 'CLOSED' });
  for (const ending of inFlight) expect(['done', 'CLOSED']).toContain(ending);
  expect(inFlight).toContain('CLOSED');
  expect(stopMs).toBeLessThan(10_000);
  // The main thread had its turns while the worker was at work. With few cores the software adapter takes some of them.
  expect(busy.perSecond).toBeGreaterThan(idle.perSecond / 4);
  expect(busy.longestGapMs).toBeLessThan(1000);
}

test('in a page: the device works in a worker, frames go on, and the stop leaves nothing', async () => {
  await using site = await serve({
    '/': '<!doctype html><title>worker</title><script type="module" src="/page.js"></script>',
    '/page.js': await bundle(file('fixtures/drive-page.ts')),
    '/counted.js': await bundle(file('fixtures/worker-web.ts')),
    '/worker.js': await bundle(file('../src/worker-web.ts')),
  });
  const { browser } = await openBrowser();
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', ({ message }) => void errors.push(message));
    await page.goto(site.url);
    await page.waitForFunction(() => 'session' in globalThis);
    const outcome = await page.evaluate(() => session());
    check(outcome);
    expect(await page.evaluate(() => stopAtOnce())).toBe(0);
    await expect.poll(() => page.workers().length, { timeout: 10_000 }).toBe(0);
    expect(errors).toEqual([]);
  } finally {
    await browser.close();
  }
});

test('in Node: the same in worker_threads, and the process ends', async () => {
  // Where packages are found.
  const cache = file('../../../node_modules/.cache/mirrorspace');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'worker-'));
  try {
    await writeFile(join(folder, 'main.mjs'), await bundle(file('fixtures/drive-node.ts'), 'node'));
    await writeFile(join(folder, 'worker.mjs'), await bundle(file('fixtures/worker-node.ts'), 'node'));
    const limit = { timeout: LIMIT_MS, killSignal: 'SIGKILL' } as const;
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'main.mjs')], limit);
    const { outcome, exits, earlyBytes } = JSON.parse(stdout) as {
      outcome: Outcome;
      exits: number[];
      earlyBytes: number;
    };
    check(outcome);
    expect(exits).toEqual([0, 0]);
    expect(earlyBytes).toBe(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
