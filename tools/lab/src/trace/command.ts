import { Command } from 'commander';
import { refusing } from '../refusing.js';
import { openTrace } from './open.js';
import { isWrite, launchOf, type PageTrace } from './page-trace.js';
import { PageSet } from './page-set.js';
import { writeTrace } from './writer.js';

/** What is in a trace. */
export interface TraceSummary {
  readonly name: string;
  readonly pageSize: number;
  readonly records: number;
  readonly writes: number;
  /** Different pages. */
  readonly pages: number;
  readonly launches: number;
}

/** Reads a trace to its end. */
export async function summarize(trace: PageTrace): Promise<TraceSummary> {
  const seen = new PageSet();
  let records = 0;
  let writes = 0;
  let lastLaunch = -1;
  for await (const { pages, metas, count } of trace.chunks()) {
    records += count;
    for (let i = 0; i < count; i++) {
      seen.add(pages[i]!);
      writes += Number(isWrite(metas[i]!));
      lastLaunch = Math.max(lastLaunch, launchOf(metas[i]!));
    }
  }
  const { name, pageSize } = trace;
  return { name, pageSize, records, writes, pages: seen.size, launches: lastLaunch + 1 };
}

/** Writes a trace of any kind as a page trace. Returns how many records that are; where it fails, no file is left. */
export function convert(from: PageTrace, to: string): Promise<number> {
  return writeTrace(to, { pageSize: from.pageSize }, from.chunks());
}

/** `lab trace`: what is in traces, and other kinds as ours. */
export function traceCommand(): Command {
  const command = new Command('trace').description('Page traces: MSTRACE1, valgrind’s lackey, libCacheSim’s CSV.');
  command
    .command('info')
    .argument('<trace...>')
    .description('Say what is in traces, a line of JSON each.')
    .action((paths: string[]) =>
      refusing(async () => {
        for (const path of paths) console.log(JSON.stringify(await summarize(await openTrace(path))));
      }),
    );
  command
    .command('convert')
    .argument('<from>')
    .argument('<to>', 'ends in .mstrace or .mstrace.gz')
    .description('Write a trace of any kind as MSTRACE1.')
    .action((from: string, to: string) =>
      refusing(async () => {
        console.log(`${await convert(await openTrace(from), to)} records`);
      }),
    );
  return command;
}
