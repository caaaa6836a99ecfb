import { fork } from 'node:child_process';
import type { Benchmark, RunOptions } from './harness/benchmark.js';
import { useClock } from './harness/clock.js';
import type { Row } from './harness/row.js';

/** Says in the child what to run; the parent sets it. */
const CHILD = 'MIRRORSPACE_BENCH';

/**
 * Runs a benchmark in a process of its own, so that no benchmark runs on the heap or the type feedback of another. What
 * it prints goes to stderr.
 */
export function runIsolated(benchmark: Benchmark, options: RunOptions): Promise<Row[]> {
  const child = fork(process.argv[1]!, [], {
    // What profiles this process profiles the benchmark too.
    execArgv: [...process.execArgv, '--expose-gc', '--max-semi-space-size=64'],
    env: { ...process.env, [CHILD]: JSON.stringify({ id: benchmark.id, options }) },
    stdio: ['ignore', 2, 'inherit', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    let rows: Row[] | undefined;
    child.on('message', (message) => (rows = message as Row[]));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (rows !== undefined && code === 0) resolve(rows);
      else reject(new Error(`the benchmark ${benchmark.id} ended with ${signal ?? `code ${code}`}`));
    });
  });
}

/** What this process is to run if it is such a child. */
export function childTask(): { readonly id: string; readonly options: RunOptions } | undefined {
  const task = process.env[CHILD];
  return task === undefined ? undefined : (JSON.parse(task) as { id: string; options: RunOptions });
}

/** Runs a benchmark in this process and sends its rows to the parent. */
export async function runAsChild(benchmark: Benchmark, options: RunOptions): Promise<void> {
  useClock(options.clock);
  const rows = await benchmark.run(options);
  await new Promise<void>((resolve) => process.send!(rows, () => resolve()));
  // Freeing gigabytes in order takes longer than measuring with them.
  process.exit(0);
}
