import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import pc from 'picocolors';
import { allCases } from '../cases/index.js';
import {
  compareReports,
  formatJson,
  formatPretty,
  formatTap,
  mergeReports,
  parseReport,
  PLAIN,
  succeeded,
  type Report,
} from '../report/index.js';
import { guardCases } from '../guard/index.js';
import { watchStrays } from '../guard/strays.js';
import { filterCases, runCases, shuffleCases } from '../run.js';
import { forkRunner } from './fork.js';
import { loadBackend, loadHost } from './load.js';
import { createProgress, type Progress } from './progress.js';

const FAILED = 1;
const BAD_OPTIONS = 2;

interface Options {
  readonly backend?: string;
  readonly backendOptions?: unknown;
  readonly host?: string;
  readonly list?: boolean;
  readonly filter?: string[];
  readonly seed?: number;
  readonly timeLimit?: number;
  readonly killAfter?: number;
  readonly format: 'pretty' | 'tap' | 'json';
  readonly output?: string;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('Not a whole number.');
  return value;
}

function milliseconds(text: string): number {
  const value = wholeNumber(text);
  if (value === 0) throw new InvalidArgumentError('It must be at least 1.');
  return value;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`Not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Where the command line writes; replaced in tests. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether a progress bar and colours make sense. */
  readonly tty: boolean;
}

const STANDARD: Streams = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  tty: process.stderr.isTTY === true,
};

/** Runs the command line and gives the exit code: 0, 1 (a case failed, or none ran) or 2 (bad options). */
export async function main(argv: readonly string[], streams: Streams = STANDARD): Promise<number> {
  let code = 0;
  const program = new Command('mirrorspace-conformance')
    .description('Says whether a backend keeps the Mirrorspace driver contract, and which rule it breaks if not.')
    .option('--backend <module>', 'package name or path of the backend (export `backend`, default, or the only one)')
    .option('--backend-options <json>', 'options for every backend.open()', json)
    .option('--host <module#export>', 'function that makes the host memory of every space, from { pageSize }')
    .option('--list', 'print the addresses of the cases and run nothing')
    .option(
      '--filter <text...>',
      'only cases whose address has this in it (* matches anything), or tag:name, or area:name',
    )
    .option('--seed <n>', 'shuffle the cases and seed their random numbers', wholeNumber)
    .option('--time-limit <ms>', 'most milliseconds a case may take', milliseconds)
    .option(
      '--kill-after <ms>',
      'run in a process of its own, which is killed when a case is silent that long',
      milliseconds,
    )
    .addOption(new Option('--format <format>', 'how to report').choices(['pretty', 'tap', 'json']).default('pretty'))
    .option('--output <file>', 'write the report to a file instead of standard output')
    .action(async (options: Options) => {
      code = await runOrList(options, streams);
    });
  program
    .command('merge <reports...>')
    .description('join JSON reports of parts of the suite into one, on standard output')
    .action(async (files: string[]) => {
      const merged = mergeReports(await Promise.all(files.map(readReport)));
      streams.out(`${formatJson(merged)}\n`);
      code = succeeded(merged) ? 0 : FAILED;
    });
  program
    .command('compare <before> <after>')
    .description('say which cases changed between two JSON reports; exit code 1 when one broke')
    .action(async (before: string, after: string) => {
      const comparison = compareReports(await readReport(before), await readReport(after));
      streams.out(`${JSON.stringify(comparison, null, 2)}\n`);
      code = comparison.broken.length > 0 || comparison.newlySkipped.length > 0 ? FAILED : 0;
    });
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeOut: streams.out, writeErr: streams.err });
  }
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : BAD_OPTIONS;
    streams.err(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    return BAD_OPTIONS;
  }
  return code;
}

async function runOrList(options: Options, streams: Streams): Promise<number> {
  if (options.list) {
    const listed = filterCases(allCases, options.filter);
    streams.out(listed.map(({ address }) => `${address}\n`).join(''));
    return listed.length > 0 ? 0 : FAILED;
  }
  if (options.backend === undefined) throw new RangeError('say which backend to test: --backend <module>');
  const progress = createProgress(streams.tty);
  const strays: string[] = [];
  const stop = watchStrays((message) => strays.push(message));
  let report: Report;
  try {
    report = await (options.killAfter === undefined ? run : runGuarded)(options, options.backend, progress);
  } finally {
    progress.stop();
    stop();
  }
  const coloured = options.output === undefined && streams.tty && pc.isColorSupported;
  const formats = {
    pretty: () => formatPretty(report, coloured ? pc : PLAIN),
    tap: () => formatTap(report),
    json: () => formatJson(report),
  };
  const text = `${formats[options.format]()}\n`;
  if (options.output === undefined) streams.out(text);
  else await writeFile(options.output, text);
  for (const message of strays) streams.err(`error that nobody awaited: ${message}\n`);
  return succeeded(report) && strays.length === 0 ? 0 : FAILED;
}

async function run(options: Options, specifier: string, progress: Progress): Promise<Report> {
  return runCases({
    backend: await loadBackend(specifier),
    backendOptions: options.backendOptions,
    ...(options.host !== undefined && { host: await loadHost(options.host) }),
    ...(options.filter && { filter: options.filter }),
    ...(options.seed !== undefined && { seed: options.seed }),
    ...(options.timeLimit !== undefined && { timeLimitMs: options.timeLimit }),
    onResult: ({ address, status }, done, total) => progress.update(done, total, address, status),
  });
}

async function runGuarded(options: Options, specifier: string, progress: Progress): Promise<Report> {
  const { backendOptions, host, filter, seed, timeLimit, killAfter } = options;
  const chosen = filterCases(allCases, filter);
  const ordered = seed === undefined ? chosen : shuffleCases(chosen, seed);
  const program = fileURLToPath(new URL('./child.js', import.meta.url));
  return guardCases({
    addresses: ordered.map(({ address }) => address),
    ...(killAfter !== undefined && { silenceMs: killAfter }),
    start: (addresses, heard) => {
      const settings = {
        ...(host !== undefined && { host }),
        ...(seed !== undefined && { seed }),
        ...(timeLimit !== undefined && { timeLimitMs: timeLimit }),
      };
      return forkRunner(program, { backend: specifier, backendOptions, addresses, ...settings }, heard);
    },
    onResult: ({ address, status }, done, total) => progress.update(done, total, address, status),
  });
}

async function readReport(file: string): Promise<Report> {
  try {
    return parseReport(await readFile(file, 'utf8'));
  } catch (error) {
    throw new RangeError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
