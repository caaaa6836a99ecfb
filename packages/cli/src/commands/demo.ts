import { type Command, Option } from 'commander';
import { createColors } from 'picocolors';
import { loadBackend } from '../demo/backend.js';
import { makeFolder } from '../demo/files.js';
import {
  EVICTIONS,
  parseBackend,
  parseMemory,
  parseSeed,
  parseSize,
  PREFETCHES,
  type DemoOptions,
} from '../demo/options.js';
import { showProgress, type Io } from '../demo/progress.js';
import { runDemo } from '../demo/run.js';
import { figuresTable } from '../demo/table.js';

/** Registers `mirrorspace demo`. `finish` receives the exit code of a run that came to its end. */
export function addDemo(program: Command, io: Io, finish: (exitCode: number) => void): void {
  program
    .command('demo')
    .description(
      'ray-trace bunnies on a device whose memory holds a quarter of the scene, through the pointers of the CPU',
    )
    .addOption(
      option('--backend <name>', 'device backend: the package @mirrorspace/<name>', parseBackend).default('memory'),
    )
    .addOption(
      option('--memory <bytes>', 'device memory, as in 4194304 or 4MiB (default: a quarter of the scene)', parseMemory),
    )
    .addOption(
      option('--size <WxH>', 'picture size in pixels', parseSize).default({ width: 480, height: 360 }, '480x360'),
    )
    .addOption(new Option('--eviction <policy>', 'what leaves device memory first').choices(EVICTIONS).default('lru'))
    .addOption(
      new Option('--prefetch <policy>', 'what is brought beside a missing page').choices(PREFETCHES).default('none'),
    )
    .addOption(
      option('--seed <number>', 'arranges the bunnies, and the device where it simulates', parseSeed).default(1),
    )
    .addOption(new Option('--out <folder>', 'where the pictures and the trace go').default('mirrorspace-demo'))
    .option('--json', 'print the figures as one JSON object and nothing else', false)
    .action(async ({ json, ...options }: DemoOptions & { json: boolean }) => finish(await demo(options, json, io)));
}

function option<T>(flags: string, description: string, parse: (text: string) => T): Option {
  return new Option(flags, description).argParser(parse);
}

async function demo(options: DemoOptions, json: boolean, io: Io): Promise<number> {
  const backend = await loadBackend(options.backend);
  await makeFolder(options.out);
  const figures = await runDemo(backend, options, showProgress(io.stderr));
  if (json) {
    io.stdout.write(`${JSON.stringify(figures)}\n`);
  } else {
    io.stdout.write(`\n${figuresTable(figures, createColors(isTerminal(io.stdout)))}\n`);
    io.stdout.write(`  ${figures.files.picture}\n  ${figures.files.residency}\n`);
    io.stdout.write(`  ${figures.files.trace}  (open it at https://ui.perfetto.dev)\n\n`);
  }
  if (!figures.verified) io.stderr.write("mirrorspace: the device's picture differs from the CPU's\n");
  return figures.verified ? 0 : 1;
}

function isTerminal(stream: NodeJS.WritableStream): boolean {
  return 'isTTY' in stream && stream.isTTY === true && process.env['NO_COLOR'] === undefined;
}
