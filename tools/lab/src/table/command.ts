import { readdir, readFile, writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { listOf } from '../arguments.js';
import { STORED, TRACES } from '../record/command.js';
import { refusing } from '../refusing.js';
import { type JobOptions, withJobOptions } from '../replay/command.js';
import type { ReplayRow } from '../replay/job.js';
import { sweep, type SweepOptions, withSweepOptions } from '../sweep/command.js';
import { groupsOf, PAGES_IN, summaryOf, tableOf, TIME } from './tables.js';

/** Where the tables stand. */
const DOCUMENT = 'docs/policies.md';
const [BEGIN, END] = ['<!-- lab table: begin -->', '<!-- lab table: end -->'];

interface Options extends SweepOptions {
  readonly document: string;
  readonly traces: readonly string[];
}

/** `lab table`: runs what is missing, and puts the tables into the document. */
export function tableCommand(): Command {
  return withSweepOptions(withJobOptions(new Command('table')))
    .description('Sweep over all traces that were recorded, and put the tables into docs/policies.md.')
    .option('--traces <folders>', 'where the traces are; separated by commas', listOf, [TRACES, STORED])
    .option('--document <file>', 'Markdown with the two marks between which the tables go', DOCUMENT)
    .action((options: Options) =>
      refusing(async () => {
        const { document, traces, policies, memory, window } = options;
        const paths = (await Promise.all(traces.map(tracesIn))).flat();
        const results = await sweep(paths, options);
        const rows = results.rows.filter(
          (row) => policies.includes(row.policy) && memory.includes(row.memory) && window.includes(row.window),
        );
        await replaceBetween(document, tablesOf(rows, options));
        console.log(`${document}: ${rows.length} results`);
      }),
    );
}

/** @throws Error where there are none */
async function tracesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => /\.mstrace(\.gz)?$/.test(name)).sort();
  if (names.length === 0) throw new Error(`no traces in ${folder}: run lab record first`);
  return names.map((name) => `${folder}/${name}`);
}

/** All tables, for rows in the order of the options. */
function tablesOf(rows: readonly ReplayRow[], { policies, memory, window }: JobOptions): string {
  const order = (row: ReplayRow) => [
    memory.indexOf(row.memory),
    window.indexOf(row.window),
    policies.indexOf(row.policy),
  ];
  const sorted = [...rows].sort((a, b) => {
    const [x, y] = [order(a), order(b)];
    return x[0]! - y[0]! || x[1]! - y[1]! || (a.trace < b.trace ? -1 : a.trace > b.trace ? 1 : x[2]! - y[2]!);
  });
  const parts = [TIME, PAGES_IN].map((measure) => `### ${measure.title}\n\n${summaryOf(measure, sorted)}`);
  for (const group of groupsOf(sorted)) {
    const { memory: size, window: flight } = group[0]!;
    parts.push(
      `### ${size} of the pages fit, ${flight === 1 ? 'one access after another' : `${flight} accesses in flight`}\n\n${TIME.title}:\n\n${tableOf(TIME, group, sorted)}`,
    );
  }
  return parts.join('\n\n');
}

/** @throws Error where the marks are missing */
async function replaceBetween(document: string, text: string): Promise<void> {
  const before = await readFile(document, 'utf8');
  const from = before.indexOf(BEGIN);
  const to = before.indexOf(END);
  if (from < 0 || to < from) throw new Error(`${document} needs the lines ${BEGIN} and ${END}`);
  await writeFile(document, `${before.slice(0, from + BEGIN.length)}\n\n${text}\n\n${before.slice(to)}`);
}
