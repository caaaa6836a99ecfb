import { type Browser, chromium } from 'playwright-core';
import type { Candidate } from './candidate.js';
import { candidates, CHROMIUM_VARIABLE } from './candidates.js';
import { serve } from '../serve.js';

/** As root there is no sandbox; WebGPU without a GPU is SwiftShader, which a watchdog would take for hung. */
const FLAGS = ['--no-sandbox', '--enable-unsafe-webgpu', '--disable-gpu-watchdog'];
const START_MS = 30_000;

const REMEDY = `Do one of these:
  - install Chromium or Chrome (Debian and Ubuntu, as root: apt-get install -y --no-install-recommends chromium)
  - set ${CHROMIUM_VARIABLE} to the path of one that has WebGPU
  - on Linux on x64, npm ci brings one with the package @sparticuz/chromium; it needs glibc and 200 MB in node_modules/.cache`;

/** A browser whose pages have WebGPU. */
export interface OpenBrowser {
  readonly browser: Browser;
  /** Which one it is. */
  readonly what: string;
}

let chosen: Candidate | undefined;

/**
 * Opens a headless Chromium with WebGPU: the first candidate that has an adapter. Whoever calls closes it.
 * @throws Error that says what was tried and what to do
 */
export async function openBrowser(env: NodeJS.ProcessEnv = process.env): Promise<OpenBrowser> {
  const tried: string[] = [];
  for (const candidate of chosen !== undefined && env === process.env ? [chosen] : candidates(env)) {
    try {
      const opened = await open(candidate);
      if (env === process.env) chosen = candidate;
      return opened;
    } catch (error) {
      const reason = error instanceof Error ? error.message.split('\n')[0]! : String(error);
      tried.push(`  ${candidate.path} (${candidate.origin}): ${reason}`);
    }
  }
  const what = tried.length === 0 ? 'none was found' : `these were tried:\n${tried.join('\n')}`;
  throw new Error(`No Chromium with WebGPU: ${what}\n${REMEDY}`);
}

async function open({ path, origin, env = {} }: Candidate): Promise<OpenBrowser> {
  const browser = await chromium.launch({
    executablePath: path,
    args: FLAGS,
    env: { ...process.env, ...env },
    timeout: START_MS,
  });
  try {
    await checkAdapter(browser);
    return { browser, what: `Chromium ${browser.version()} (${origin})` };
  } catch (error) {
    await browser.close();
    throw error;
  }
}

/** Only a secure page shows WebGPU at all. */
async function checkAdapter(browser: Browser): Promise<void> {
  await using site = await serve({});
  const page = await browser.newPage();
  page.setDefaultTimeout(START_MS);
  await page.goto(site.url);
  const found = await page.evaluate(async () => {
    const { gpu } = navigator as { gpu?: GPU };
    if (gpu === undefined) return 'its pages have no navigator.gpu';
    return (await gpu.requestAdapter()) === null ? 'WebGPU finds no adapter there' : undefined;
  });
  await page.close();
  if (found !== undefined) throw new Error(found);
}
