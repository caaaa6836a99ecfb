import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { mib } from './growth.js';
import { soak } from './soak.js';
import type { BackendName } from './world.js';

interface Options {
  readonly backend: BackendName;
  readonly minutes: number;
  readonly seed?: number;
  readonly steps?: number;
  readonly verbose?: true;
  readonly output?: string;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('It must be a whole number.');
  return value;
}

await new Command('soak')
  .description('Random programs on a device a quarter as large as their data, checked against a sequential model.')
  .addOption(new Option('--backend <name>').choices(['webgpu', 'memory', 'native']).default('webgpu'))
  .option('--minutes <n>', 'how long', positive, 10)
  .option('--seed <n>', 'what decides everything but how long things take; printed', whole)
  .option('--steps <n>', 'stop after so many steps, however short that is', whole)
  .option('--verbose', 'name every step')
  .option('--output <file>', 'write how many runs passed and failed there, as JSON')
  .action(async ({ backend, minutes, seed, steps, verbose, output }: Options) => {
    const say = (line: string) => console.log(line);
    let failure: string | undefined;
    try {
      const result = await soak({
        backend,
        seed: seed ?? Math.floor(Math.random() * 2 ** 32),
        ms: minutes * 60_000,
        ...(steps !== undefined && { steps }),
        say,
        verbose: verbose === true,
      });
      const { before, after } = result;
      say(
        `no difference, nothing stuck: ${result.steps} steps, ${result.launches} launches, ${result.rounds} rounds, ${result.losses} lost devices, ${mib(result.bytesIn)} to the device`,
      );
      say(
        `rss ${mib(before.rss)} → ${mib(after.rss)}, buffers ${mib(before.buffers)} → ${mib(after.buffers)}, device ${mib(before.device)} → ${mib(after.device)}`,
      );
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
      console.error(`✗ ${failure}`);
      if (error instanceof Error && error.cause instanceof Error) console.error(error.cause.stack);
    }
    if (output !== undefined) {
      mkdirSync(dirname(output), { recursive: true });
      const failures = failure === undefined ? [] : [{ name: `soak on ${backend}`, message: failure }];
      writeFileSync(output, JSON.stringify({ passed: 1 - failures.length, failed: failures.length, failures }));
    }
    process.exit(failure === undefined ? 0 : 1);
  })
  .parseAsync();
