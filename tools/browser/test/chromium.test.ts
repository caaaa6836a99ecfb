import { bundle, openBrowser, serve } from '@mirrorspace/browser';
import { allCases } from '@mirrorspace/conformance';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { candidates } from '../src/chromium/candidates.js';
import { runInChromium } from '../src/suite/run.js';

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

describe('a headless Chromium', () => {
  test('is there, with WebGPU, on isolated pages, and writes text', async () => {
    const { browser, what } = await openBrowser();
    await using site = await serve({
      '/': '<!doctype html><title>t</title><h1 style="display:inline">Mirrorspace</h1>',
    });
    try {
      expect(what).toMatch(/^Chromium \d+/);
      const page = await browser.newPage();
      await page.goto(site.url);
      expect(await page.evaluate(() => crossOriginIsolated && 'gpu' in navigator)).toBe(true);
      // Without a font letters have no width.
      expect(await page.evaluate(() => document.querySelector('h1')!.getBoundingClientRect().width)).toBeGreaterThan(
        50,
      );
    } finally {
      await browser.close();
    }
  });

  test('that the environment names is the only candidate; one that does not do is refused, with what to do', async () => {
    const env = { PATH: process.env['PATH'], MIRRORSPACE_CHROMIUM: '/nowhere/chromium' };
    expect([...candidates(env)]).toEqual([{ path: '/nowhere/chromium', origin: 'MIRRORSPACE_CHROMIUM' }]);
    const opening = openBrowser(env);
    await expect(opening).rejects.toThrow(/No Chromium with WebGPU.*\n.*\/nowhere\/chromium \(MIRRORSPACE_CHROMIUM\)/);
    await expect(opening).rejects.toThrow(/apt-get install.* chromium[^]*MIRRORSPACE_CHROMIUM[^]*@sparticuz\/chromium/);
  });

  test('of the system comes before the one from npm', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'browser-'));
    await writeFile(join(folder, 'chromium'), '#!/bin/sh\n', { mode: 0o755 });
    const found = [...candidates({ PATH: folder })];
    expect(found[0]).toEqual({ path: join(folder, 'chromium'), origin: 'the system' });
    if (process.platform === 'linux' && process.arch === 'x64') expect(found.at(-1)?.origin).toContain('@sparticuz');
  });
});

describe('the suite in Chromium', () => {
  test('goes on in a new page after a case that hangs one', async () => {
    const addresses = allCases.slice(0, 4).map(({ address }) => address);
    const script = fixture('hanging-page.ts');
    const report = await runInChromium({ where: 'page', addresses, browsers: 1, silenceMs: 3000, script });
    expect(report.results.map(({ address, status }) => [address, status])).toEqual(
      addresses.map((address, i) => [address, i === 2 ? 'fail' : 'pass']),
    );
    expect(report.results[2]!.message).toContain('without a sign of life');
  });
});

describe('a bundle', () => {
  test('of the suite and a backend for browsers has no Node built-in in it; with one it is refused', async () => {
    expect((await bundle(fixture('browser-entry.ts'))).includes('wgsl-lanes-and-barriers')).toBe(true);
    await expect(bundle(fixture('node-entry.ts'))).rejects.toThrow('node:fs');
  });
});
