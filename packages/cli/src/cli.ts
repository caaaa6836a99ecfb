import { MirrorError } from '@mirrorspace/core';
import { Command, CommanderError } from 'commander';
import { addDemo } from './commands/demo.js';
import { addPolicies } from './commands/policies.js';
import { UsageError } from './demo/backend.js';
import type { Io } from './demo/progress.js';
import { CannotRunError } from './demo/run.js';

/** Ends well. */
export const EXIT_OK = 0;
/** The work failed, or its result is wrong. */
export const EXIT_FAILED = 1;
/** The command line asks for what cannot be: nothing was done. */
export const EXIT_USAGE = 2;

/** Runs the command line `args` (without the program's name), writes to `io`, and returns the exit code. Never rejects. */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  let exitCode = EXIT_OK;
  const program = new Command('mirrorspace')
    .description('One address space for CPU and GPU.')
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .showHelpAfterError('(add --help for what is accepted)')
    .exitOverride();
  addDemo(program, io, (code) => {
    exitCode = code;
  });
  addPolicies(program, io);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed its own message.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
    io.stderr.write(`mirrorspace: ${describe(error)}\n`);
    return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
  }
}

function describe(error: unknown): string {
  if (error instanceof MirrorError) return `${error.code}: ${error.message}`;
  if (error instanceof UsageError || error instanceof CannotRunError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
