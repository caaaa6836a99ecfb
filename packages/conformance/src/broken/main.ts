import { mkdir, writeFile } from 'node:fs/promises';
import { Command, CommanderError } from 'commander';
import pc from 'picocolors';
import type { TestedBackend } from '../backend.js';
import type { Case } from '../case.js';
import { type Palette, PLAIN, totals } from '../report/index.js';
import { runCases } from '../run.js';
import { huntingCases } from './cases.js';
import { breakBackend, type BrokenDevice } from './device.js';
import { brokenDevices } from './devices/index.js';
import { hunt, type Verdict } from './hunt.js';
import { loadReferences } from './reference.js';
import { formatVerdict } from './table.js';

const FAILED = 1;
const BAD_OPTIONS = 2;

type Write = (text: string) => void;

interface Options {
  readonly filter?: string[];
  readonly list?: boolean;
}

/** Where the command writes, and what it tries. */
export interface Setting {
  /** Folder that `broken.json` goes into after a whole run. Absent: nowhere. */
  readonly results?: URL;
  /** Default: all of them. */
  readonly devices?: readonly BrokenDevice[];
  /** Default: {@link huntingCases}. */
  readonly cases?: readonly Case[];
  readonly out?: Write;
}

/** Runs the command line and gives the exit code: 0, 1 (a broken device escaped, or the correct one failed) or 2 (bad options). */
export async function main(argv: readonly string[], setting: Setting = {}): Promise<number> {
  const { devices = brokenDevices, cases = huntingCases, out = (text) => void process.stdout.write(text) } = setting;
  let code = 0;
  const program = new Command('test:broken')
    .description(
      'Tests the conformance suite: each broken device must be caught by a case that names the rule it breaks.',
    )
    .option('--filter <text...>', 'only broken devices whose name has this in it')
    .option('--list', 'print the broken devices and run nothing')
    .exitOverride()
    .configureOutput({ writeOut: out, writeErr: out })
    .action(async ({ filter, list }: Options) => {
      const chosen = devices.filter(({ name }) => filter?.some((text) => name.includes(text)) ?? true);
      if (chosen.length === 0)
        throw new RangeError(`no broken device has ${filter?.join(' or ')} in its name; see --list`);
      if (list === true) for (const { name, breaks } of chosen) out(`${name}: ${breaks}\n`);
      else code = await huntAll({ chosen, cases, out, results: filter === undefined ? setting.results : undefined });
    });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : BAD_OPTIONS;
    out(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    return BAD_OPTIONS;
  }
  return code;
}

interface Hunt {
  readonly chosen: readonly BrokenDevice[];
  readonly cases: readonly Case[];
  readonly out: Write;
  readonly results: URL | undefined;
}

async function huntAll({ chosen, cases, out, results }: Hunt): Promise<number> {
  const palette: Palette = process.stdout.isTTY === true && pc.isColorSupported ? pc : PLAIN;
  const references = await loadReferences();
  const below = ({ mirrors }: BrokenDevice) => (mirrors === true ? references.mirroring : references.managed);
  const healthy = await checkHealthy(new Set(chosen.map(below)), cases, out, palette);
  const verdicts: Verdict[] = [];
  // Broken devices break promises too: what a case no longer waits for may fail after it.
  const ignore = (): void => undefined;
  process.on('unhandledRejection', ignore);
  try {
    for (const broken of chosen) {
      const verdict = await hunt(below(broken), broken, cases);
      verdicts.push(verdict);
      out(`${formatVerdict(verdict, palette)}\n`);
    }
  } finally {
    process.off('unhandledRejection', ignore);
  }
  const caught = verdicts.filter((verdict) => verdict.caught !== undefined).length;
  const failed = verdicts.length - caught + (healthy ? 0 : 1);
  const failures = verdicts
    .filter((verdict) => verdict.caught === undefined)
    .map((verdict) => ({ name: verdict.broken.name, message: formatVerdict(verdict, PLAIN) }));
  if (!healthy) failures.push({ name: 'a correct device', message: 'it fails cases that apply to it' });
  if (results !== undefined) {
    await mkdir(results, { recursive: true });
    await writeFile(
      new URL('broken.json', results),
      `${JSON.stringify({ passed: caught + (healthy ? 1 : 0), failed, failures })}\n`,
    );
  }
  out(`${caught} of ${verdicts.length} caught\n`);
  return failed === 0 ? 0 : FAILED;
}

/** The correct devices must pass what the broken ones fail, wrapped like them, so that it is the defect that is caught. */
async function checkHealthy(
  references: Iterable<TestedBackend>,
  cases: readonly Case[],
  out: Write,
  palette: Palette,
): Promise<boolean> {
  let healthy = true;
  for (const reference of references) {
    const backend = breakBackend(reference, { wrap: (device) => device });
    const report = await runCases({ backend, cases });
    const { pass, fail } = totals(report);
    for (const { address, status, message } of report.results) {
      if (status === 'fail') out(`${palette.red('✗')} the correct device fails ${address}: ${message ?? ''}\n`);
    }
    const whole = `the correct device of ${reference.name} passes all ${pass} cases that apply to it`;
    if (fail === 0) out(`${palette.green('✓')} ${whole}\n`);
    healthy &&= fail === 0 && pass > 0;
  }
  out('\n');
  return healthy;
}
