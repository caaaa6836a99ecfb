import { Command, InvalidArgumentError } from 'commander';
import { countOf, listOf } from '../arguments.js';
import { progressBar } from '../progress.js';
import { refusing } from '../refusing.js';
import { short, table } from '../text-table.js';
import { openTrace } from '../trace/open.js';
import { columnsOf } from './columns.js';
import { type CostModel, costModel, UVMSMART } from './cost-model.js';
import { type Job, type ReplayRow, Subject } from './job.js';
import { BASELINE, policyNames, policyOf } from './policies.js';

/** What jobs are made of. */
export interface JobOptions {
  readonly memory: readonly string[];
  readonly policies: readonly string[];
  readonly window: readonly number[];
  readonly batchUs: number;
  readonly peak: number;
  readonly slope: number;
  readonly accessUs: number;
}

interface Options extends JobOptions {
  readonly json: boolean;
}

/** `lab replay`: page traces through a real mirror. */
export function replayCommand(): Command {
  return withJobOptions(new Command('replay').argument('<trace...>'))
    .description('Replay page traces through a mirror on the reference device; estimate their time.')
    .option('--json', 'print a line of JSON a job', false)
    .action((paths: string[], options: Options) =>
      refusing(async () => {
        for (const path of paths) await replayOne(await Subject.of(await openTrace(path)), options);
      }),
    );
}

/** Adds the options that jobs are made of. */
export function withJobOptions(command: Command): Command {
  return command
    .option('--memory <sizes>', 'pages, or percent of the trace’s pages; separated by commas', listOf, ['50%'])
    .option('--policies <names>', `separated by commas: ${policyNames()}`, policiesOf, [
      BASELINE,
      'uvm-all',
      'lru+none',
    ])
    .option('--window <accesses>', 'accesses in flight; separated by commas; 1 is strictly serial', countsOf, [1024])
    .option('--batch-us <us>', 'what a batch of faults costs', Number, UVMSMART.batchUs)
    .option('--peak <GB/s>', 'bandwidth that no transfer reaches', Number, UVMSMART.peakGBs)
    .option('--slope <per-KiB>', 'how fast it is approached', Number, UVMSMART.slopePerKiB)
    .option('--access-us <us>', 'what an access costs', Number, UVMSMART.accessUs);
}

/** All combinations of sizes, windows and policies. */
export function jobsOf(options: JobOptions): Job[] {
  const model = modelOf(options);
  return options.memory.flatMap((memory) =>
    options.window.flatMap((window) => options.policies.map((policy) => ({ policy, memory, window, model }))),
  );
}

function modelOf({ batchUs, peak: peakGBs, slope: slopePerKiB, accessUs }: JobOptions): CostModel {
  return costModel({ batchUs, peakGBs, slopePerKiB, accessUs });
}

async function replayOne(subject: Subject, options: Options): Promise<void> {
  const jobs = jobsOf(options);
  const rows: ReplayRow[] = [];
  const { records, touched } = subject.shape;
  const bar = progressBar(jobs.length * records, subject.trace.name);
  try {
    for (const [i, job] of jobs.entries()) {
      const row = await subject.run(job, { onProgress: (done) => bar.update(i * records + done) });
      if (options.json) console.log(JSON.stringify(row));
      rows.push(row);
    }
  } finally {
    bar.stop();
  }
  if (options.json) return;
  console.log(`${subject.trace.name}: ${short(touched.size)} pages\n\n${table(columnsOf(rows), rows)}\n`);
}

function countsOf(text: string): number[] {
  return listOf(text).map(countOf);
}

function policiesOf(text: string): string[] {
  const names = listOf(text);
  for (const name of names) {
    try {
      policyOf(name);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  }
  return names;
}
