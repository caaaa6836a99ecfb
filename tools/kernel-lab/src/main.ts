/** `npm run test:kernel`: boots a kernel with the test device for heterogeneous memory and a DRM device, and runs tests on them. */
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { prepareKernel } from './kernel.js';
import { installPackages } from './packages.js';
import { BootError, type GuestOptions, runGuest } from './qemu.js';
import { type Counts, countReport, countTap, resultOf } from './results.js';
import { packageRoot, repositoryRoot } from './root.js';
import { step } from './step.js';

/** What the guest can run, in order: seconds that it may take, and what its output is. */
const PHASES = {
  /** The kernel's own tests, first: where they fail, a failure of ours says nothing. */
  control: { limit: 240, count: countTap },
  tests: { limit: 300, count: countTap },
  private: { limit: 600, count: countReport },
  coherent: { limit: 600, count: countReport },
  drm: { limit: 600, count: countReport },
  /** All of the suite: a quarter of an hour and more, so only where it is asked for. */
  'drm-all': { limit: 3600, count: countReport },
} as const;

const { values } = parseArgs({
  options: {
    /** Leaves what the guest wrote where it is. */
    keep: { type: 'boolean', default: false },
    /** Runs these phases only. */
    phases: { type: 'string', default: 'control,tests,private,coherent,drm' },
  },
});
const results = join(repositoryRoot(), '.results');
const share = join(tmpdir(), `mirrorspace-kernel-lab-${process.pid}`);

try {
  mkdirSync(share, { recursive: true });
  mkdirSync(results, { recursive: true });
  process.exitCode = (await lab()) ? 0 : 1;
} catch (error) {
  // What is missing here is a failure, not a skip.
  console.error(`✗ ${error instanceof Error ? error.message : String(error)}`);
  keepResult('kernel-lab', { passed: 0, failed: 1 });
  process.exitCode = 1;
} finally {
  if (!values.keep && process.exitCode === 0) rmSync(share, { recursive: true, force: true });
  else console.log(`what the guest left is in ${share}`);
}

async function lab(): Promise<boolean> {
  const wanted = values.phases.split(',');
  const unknown = wanted.filter((name) => !(name in PHASES));
  if (unknown.length > 0)
    throw new Error(`there is no phase ${unknown.join(', ')}; there are ${Object.keys(PHASES).join(', ')}`);
  const log = join(share, 'build.log');
  const source = await installPackages(log);
  const kernel = await prepareKernel(source, log);
  const program = join(packageRoot(), 'guest', 'process.c');
  const compile = ['gcc', '-O2', '-shared', '-fPIC', '-o', join(share, 'process.node'), program];
  await step('compiling guest/process.c', compile, { limit: 60, log });
  const phases = Object.entries(PHASES).filter(([name]) => wanted.includes(name));
  const start = performance.now();
  const limits = Object.fromEntries(phases.map(([name, { limit }]) => [name, limit]));
  const failure = await bootWithOneRetry({ kernel, share, limits }).catch((error: Error) => error);
  console.log(`the guest ran ${((performance.now() - start) / 1000).toFixed(0)} s`);
  const consoleLog = join(share, 'console.log');
  if (existsSync(consoleLog)) copyFileSync(consoleLog, join(results, 'kernel-console.log'));
  // What was done before something failed is told, too.
  const passed = phases.map(([name, { count }]) => report(`kernel-${name}`, resultOf(share, name, count)));
  if (failure instanceof Error) throw failure;
  return passed.every(Boolean);
}

/** A boot that fails under emulation on a busy machine says nothing of what is tested; everything else is not tried again. */
async function bootWithOneRetry(options: GuestOptions): Promise<void> {
  try {
    await runGuest(options);
  } catch (error) {
    if (!(error instanceof BootError)) throw error;
    console.log(`the guest did not boot, once more: ${error.message}`);
    await runGuest(options);
  }
}

function report(name: string, counts: Counts): boolean {
  keepResult(name, counts);
  for (const failure of counts.failures) console.log(`✗ ${failure}`);
  console.log(`${name}: ${counts.passed} passed, ${counts.failed} failed`);
  return counts.failed === 0 && counts.passed > 0;
}

/** Where the CI summary looks. */
function keepResult(name: string, { passed, failed }: Pick<Counts, 'passed' | 'failed'>): void {
  writeFileSync(join(results, `${name}.json`), JSON.stringify({ passed, failed }));
}
