import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { QUICK, WHOLE } from './experiment.js';
import { findAll } from './findings.js';
import { plot } from './plot.js';
import { describe } from './report.js';

interface Options {
  readonly out: string;
  readonly json: boolean;
  readonly quick: boolean;
}

/** Beside the sources, wherever the command is started from; ignored by git. */
const OUT = fileURLToPath(new URL('../out', import.meta.url));

/** `lab rfc`: what the 2014 RFC asks about callbacks, command buffers and preemption, measured. */
export function rfcCommand(): Command {
  return new Command('rfc')
    .description(
      'Callback, flush, placement, preemption, harvest and shrinker on the reference device, in simulated time.',
    )
    .option('--out <folder>', 'where the plot and the figures go', OUT)
    .option('--json', 'print the figures as JSON instead of tables', false)
    .option('--quick', 'fewer cases', false)
    .action(async ({ out, json, quick }: Options) => {
      const findings = await findAll(quick ? QUICK : WHOLE);
      await mkdir(out, { recursive: true });
      const text = JSON.stringify(findings, null, 2);
      await writeFile(join(out, 'rfc.json'), `${text}\n`);
      await writeFile(join(out, 'rfc.svg'), await plot(findings));
      const where = relative(process.cwd(), out) || '.';
      console.log(json ? text : `${describe(findings)}\n\nWritten: rfc.svg and rfc.json in ${where}`);
    });
}
