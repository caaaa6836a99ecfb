import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Command } from 'commander';
import { progressBar } from '../progress.js';
import { refusing } from '../refusing.js';
import { type JobOptions, jobsOf, withJobOptions } from '../replay/command.js';
import { Subject } from '../replay/job.js';
import { openTrace } from '../trace/open.js';
import { page } from './page.js';
import { sectionOf } from './report.js';

/** Sizes of the curve of estimated time. */
const CURVE = ['25%', '40%', '50%', '60%', '75%', '90%', '100%'];

interface Options extends JobOptions {
  readonly out: string;
}

/** `lab report`: replays as one HTML file with pictures. */
export function reportCommand(): Command {
  return withJobOptions(new Command('report').argument('<trace...>'))
    .description('Replay page traces, and draw what happened: one HTML file that needs nothing else.')
    .option('--out <file>', 'where it goes', 'tools/lab/out/report.html')
    .action((paths: string[], options: Options) =>
      refusing(async () => {
        const bar = progressBar(paths.length, 'report');
        const sections: string[] = [];
        try {
          for (const [i, path] of paths.entries()) {
            const curve = jobsOf({ ...options, memory: CURVE, window: options.window.slice(0, 1) });
            sections.push(...(await sectionOf(await Subject.of(await openTrace(path)), jobsOf(options), curve)));
            bar.update(i + 1);
          }
        } finally {
          bar.stop();
        }
        await mkdir(dirname(options.out), { recursive: true });
        await writeFile(options.out, page('Mirrorspace: policies on page traces', sections));
        console.log(options.out);
      }),
    );
}
