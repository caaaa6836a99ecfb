// The workspace folders and how commands run in them. Node built-ins only: this runs before anything is installed.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the repository root. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where test steps leave their counts for the CI summary; ignored by git. */
export const resultsFolder = join(root, '.results');

/** Every workspace: its folder relative to the root, and its parsed package.json. */
export function workspaces() {
  return ['packages', 'backends', 'examples', 'tools'].flatMap((group) =>
    readdirSync(join(root, group))
      .map((name) => `${group}/${name}`)
      .filter((folder) => existsSync(join(root, folder, 'package.json')))
      .map((folder) => ({
        folder,
        manifest: JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')),
      })),
  );
}

/** Command line of npm itself, the one that started this script where there is one, with output for people. */
export function npm(args) {
  const cli = process.env['npm_execpath'];
  const all = [...args, '--no-json'];
  return cli && /\.c?js$/.test(cli) ? [process.execPath, [cli, ...all]] : ['npm', all];
}

/** Command line of turbo, with its cache outside the work tree so that every clone shares it. */
export function turbo(args) {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'mirrorspace', 'turbo');
  process.env['TURBO_CACHE_DIR'] ??= cache;
  process.env['TURBO_TELEMETRY_DISABLED'] = '1';
  process.env['TURBO_NO_UPDATE_NOTIFIER'] = '1';
  return [join(root, 'node_modules', '.bin', 'turbo'), args];
}

/**
 * Runs a command in the repository root (or `cwd`).
 * `stdio` is 'inherit', or 'capture' to collect stdout and stderr together in `output`.
 * Resolves with the exit code; 1 when a signal ended it or it could not start.
 */
export function run([command, args], { cwd = root, stdio = 'inherit', env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: stdio === 'capture' ? ['ignore', 'pipe', 'pipe'] : stdio,
    });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => resolve({ code: 1, output: `${command}: ${error.message}\n` }));
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() }));
  });
}
