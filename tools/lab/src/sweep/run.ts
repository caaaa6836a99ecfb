import { Piscina } from 'piscina';
import type { ReplayRow } from '../replay/job.js';
import run, { type PathJob } from './worker.js';

const WORKER = new URL('./worker.js', import.meta.url).href;

/**
 * Runs jobs on a pool of threads, each of which keeps the trace of its last job; or, with no thread, here. `done` hears of each as it ends.
 * @throws what the first job that fails throws
 */
export async function runJobs(
  jobs: readonly PathJob[],
  threads: number,
  done: (row: ReplayRow) => void,
): Promise<void> {
  if (threads === 0) {
    for (const job of jobs) done(await run(job));
    return;
  }
  const pool = new Piscina<PathJob, ReplayRow>({ filename: WORKER, minThreads: threads, maxThreads: threads });
  try {
    await Promise.all(jobs.map(async (job) => done(await pool.run(job))));
  } finally {
    await pool.destroy();
  }
}
