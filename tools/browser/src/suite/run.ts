import {
  guardCases,
  mergeReports,
  type Report,
  type Result,
  type Runner,
  type RunnerMessage,
} from '@mirrorspace/conformance';
import { join } from 'node:path';
import { openBrowser } from '../chromium/open.js';
import { bundle } from '../bundle.js';
import { packageRoot } from '../root.js';
import { serve } from '../serve.js';
import type { SuiteJob } from './job.js';
import type {} from './page.js';

/** What of the suite is run, and where. */
export interface SuiteOptions {
  readonly where: SuiteJob['where'];
  readonly addresses: readonly string[];
  /** Browsers that share the cases. */
  readonly browsers: number;
  /** As of `guardCases`. */
  readonly silenceMs?: number;
  /** The page's script, which defines `startSuite`. Default: the suite. */
  readonly script?: string;
  readonly onResult?: (result: Result) => void;
}

const source = (name: string): string => join(packageRoot(), 'src', 'suite', name);

/** Runs cases of the suite on WebGPU in headless Chromium. A case that hangs its page costs that case; see {@link guardCases}. */
export async function runInChromium(options: SuiteOptions): Promise<Report> {
  const { where, addresses, browsers, silenceMs, script = source('page.ts'), onResult } = options;
  await using site = await serve({
    '/': '<!doctype html><title>suite</title><script type="module" src="/page.js"></script>',
    '/page.js': await bundle(script),
    '/worker.js': await bundle(source('worker.ts')),
  });
  const parts = Array.from({ length: browsers }, (_, part) => addresses.filter((_, i) => i % browsers === part));
  const guarded = parts
    .filter((part) => part.length > 0)
    .map((part) =>
      guardCases({
        addresses: part,
        start: (left, heard) => openRunner(site.url, { where, addresses: left }, heard),
        ...(silenceMs !== undefined && { silenceMs }),
        ...(onResult !== undefined && { onResult }),
      }),
    );
  return mergeReports(await Promise.all(guarded));
}

/** A browser of its own, so that whatever hangs in it ends with it. */
async function openRunner(url: string, job: SuiteJob, heard: (message: RunnerMessage) => void): Promise<Runner> {
  const { browser } = await openBrowser();
  try {
    const page = await browser.newPage();
    await page.exposeFunction('tellGuard', heard);
    page.on('pageerror', (error) => heard({ kind: 'stray', message: error.message }));
    page.on('crash', () => heard({ kind: 'gone', reason: 'its page crashed' }));
    browser.on('disconnected', () => heard({ kind: 'gone', reason: 'the browser went away' }));
    await page.goto(url);
    await page.waitForFunction(() => 'startSuite' in globalThis);
    await page.evaluate((what) => startSuite(what), job);
    return { kill: () => browser.close() };
  } catch (error) {
    await browser.close();
    throw error;
  }
}
