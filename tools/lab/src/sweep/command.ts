import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { progressBar } from '../progress.js';
import { refusing } from '../refusing.js';
import { type JobOptions, jobsOf, withJobOptions } from '../replay/command.js';
import { nameOf } from '../replay/job.js';
import { Results } from './results.js';
import { runJobs } from './run.js';
import type { PathJob } from './worker.js';

/** Results between two times that the file is written. */
const A_WHILE = 50;

/** How much of a sweep is run, and where. */
export interface SweepOptions extends JobOptions {
  readonly out: string;
  readonly threads: number;
  readonly part: Part;
}

/** One of several parts of a sweep, from 1. */
interface Part {
  readonly index: number;
  readonly of: number;
}

/** `lab sweep`: traces × sizes × windows × policies, on all cores, or a part of them. */
export function sweepCommand(): Command {
  return withSweepOptions(withJobOptions(new Command('sweep').argument('<trace...>')))
    .description('Cross traces, sizes, windows and policies; what the file of results has already is not run again.')
    .action((paths: string[], options: SweepOptions) =>
      refusing(async () => {
        const { rows } = await sweep(paths, options);
        console.log(`${options.out}: ${rows.length} results`);
      }),
    );
}

/** Adds the options that say where and how a sweep is run. */
export function withSweepOptions(command: Command): Command {
  return command
    .option('--out <file>', 'results as JSON', 'tools/lab/out/results.json')
    .option('--threads <count>', 'worker threads; 0: none', threadsOf, availableParallelism())
    .option('--part <i/n>', 'run each n-th job only: the rest is for other machines', partOf, { index: 1, of: 1 });
}

/** `lab merge`: results of several machines in one file. */
export function mergeCommand(): Command {
  return new Command('merge')
    .argument('<into>', 'a file that appears, or grows')
    .argument('<results...>')
    .description('Put results together.')
    .action(async (into: string, paths: string[]) => {
      const results = await existing(into);
      for (const path of paths) await results.read(path);
      await results.write(into);
      console.log(`${into}: ${results.rows.length} results`);
    });
}

/** Runs what is missing, and writes the file now and then. */
export async function sweep(paths: readonly string[], options: SweepOptions): Promise<Results> {
  const { out, threads, part } = options;
  const results = await existing(out);
  const all = paths.flatMap((path) => jobsOf(options).map((job): PathJob => ({ path, ...job })));
  const jobs = all
    .filter((_, i) => i % part.of === part.index - 1)
    .filter(({ path, ...job }) => !results.has({ ...job, trace: nameOf({ name: path }) }));
  const bar = progressBar(jobs.length, 'sweep');
  let done = 0;
  let writing: Promise<void> = Promise.resolve();
  try {
    await runJobs(jobs, threads, (row) => {
      results.add(row);
      bar.update(++done);
      if (done % A_WHILE === 0) writing = writing.then(() => results.write(out));
    });
  } finally {
    bar.stop();
    await writing;
    await results.write(out);
  }
  return results;
}

async function existing(path: string): Promise<Results> {
  const results = new Results();
  try {
    await results.read(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return results;
}

function threadsOf(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 0 || count > 1024)
    throw new InvalidArgumentError('Not a number of threads.');
  return count;
}

function partOf(text: string): Part {
  const [index = NaN, of = NaN] = text.split('/').map(Number);
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(of) || index < 1 || index > of)
    throw new InvalidArgumentError('Such as 2/4.');
  return { index, of };
}
