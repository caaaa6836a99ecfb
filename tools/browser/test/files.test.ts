import { bundle, openBrowser, serve } from '@mirrorspace/browser';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { PagingResult } from '../../../backends/webgpu/test/file-paging.js';
import type {} from './fixtures/files-page.js';

const MIB = 2 ** 20;
const fixture = (name: string): Promise<string> => bundle(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)));

function check(result: PagingResult): void {
  expect([result.sumOfPlaces, result.sumOfFile]).toEqual([result.expected, result.expected]);
  // The list of places and the sums are anonymous: their first touch may not wait for room.
  expect(result.mostUsed).toBeLessThanOrEqual(17 * MIB);
}

test('the device pages a File in a page, and a file of the Origin Private File System in a worker', async () => {
  await using site = await serve({
    '/': '<!doctype html><title>files</title><script type="module" src="/page.js"></script>',
    '/page.js': await fixture('files-page.ts'),
    '/worker.js': await fixture('files-worker.ts'),
  });
  const { browser } = await openBrowser();
  try {
    const page = await browser.newPage();
    await page.goto(site.url);
    await page.waitForFunction(() => 'sumFileOfZeros' in globalThis);
    const paging = { memory: 8 * MIB, budget: 16 * MIB };
    const paged = await page.evaluate(([size, count, options]) => sumFileOfZeros(size, count, options), [
      48 * MIB,
      64,
      paging,
    ] as const);
    check(paged);
    const stored = await page.evaluate(
      () =>
        new Promise<unknown>((resolve) => {
          const worker = new Worker('/worker.js', { type: 'module' });
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = ({ message }) => resolve(message);
        }),
    );
    expect(stored).toMatchObject({ stored: true });
    check(stored as PagingResult);
  } finally {
    await browser.close();
  }
}, 120_000);
