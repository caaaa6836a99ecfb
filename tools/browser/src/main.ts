/** `npm run test:chromium`: the conformance suite on WebGPU in headless Chromium, in a page and in a worker. */
import { allCases, filterCases, type Report, succeeded, totals } from '@mirrorspace/conformance';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBrowser } from './chromium/open.js';
import { packageRoot } from './root.js';
import { runInChromium } from './suite/run.js';

/**
 * What is run in a worker, too: all that uses the device directly, and of the rest what depends on event loops: faults, loss, ends.
 * The suite itself knows no difference between a page and a worker.
 */
const WORKER_CASES = ['driver/', 'mirror/fault:', 'mirror/queue:', 'mirror/loss:', 'mirror/teardown:', 'mirror/leak:'];

const { values } = parseArgs({
  options: {
    filter: { type: 'string', multiple: true },
    where: { type: 'string', multiple: true },
    browsers: { type: 'string', default: '2' },
  },
});
const browsers = Number(values.browsers);
try {
  const { browser, what } = await openBrowser();
  await browser.close();
  console.log(what);
} catch (error) {
  // A browser that is missing is a failure, not a skip.
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

let ok = true;
for (const [where, cases] of [
  ['page', allCases],
  ['worker', filterCases(allCases, WORKER_CASES)],
] as const) {
  if (values.where !== undefined && !values.where.includes(where)) continue;
  const addresses = filterCases(cases, values.filter).map(({ address }) => address);
  if (addresses.length === 0) continue;
  const start = performance.now();
  const report = await runInChromium({ where, addresses, browsers });
  await keep(report, where);
  for (const { address, message } of report.results.filter(({ status }) => status === 'fail'))
    console.log(`✗ ${address}\n  ${message ?? ''}`);
  const { pass, fail, skip } = totals(report);
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(`conformance chromium ${where}: ${pass} passed, ${fail} failed, ${skip} skipped (${seconds} s)`);
  ok &&= succeeded(report);
}
process.exitCode = ok ? 0 : 1;

/** Where the CI summary looks. */
async function keep(report: Report, where: string): Promise<void> {
  const folder = join(packageRoot(), '..', '..', '.results');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `conformance-chromium-${where}.json`), JSON.stringify(report));
}
