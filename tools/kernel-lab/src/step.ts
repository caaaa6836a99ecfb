import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';

/** How a {@link step} runs. */
export interface StepOptions {
  /** Seconds it may take. */
  readonly limit: number;
  /** Its folder. Default: this process's. */
  readonly cwd?: string;
  /** File that its output is added to. Default: none. */
  readonly log?: string;
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

const LAST_LINES = 15;

/**
 * Runs a command to its end and resolves to what it printed.
 * @throws Error that says what failed, or what it waited for too long, with the last lines of its output
 */
export async function step(what: string, [command, ...args]: readonly string[], options: StepOptions): Promise<string> {
  const { limit, cwd, log } = options;
  const child = spawn(command!, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that all of it can be ended.
    detached: true,
    env: { ...process.env, ...options.env },
    ...(cwd !== undefined && { cwd }),
  });
  endWithUs(child);
  const file = log === undefined ? undefined : createWriteStream(log, { flags: 'a' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString();
      file?.write(data);
    });
  }
  const ended = await new Promise<string | undefined>((resolve) => {
    const timer = setTimeout(() => {
      endGroup(child.pid);
      resolve(`did not end within ${limit} s`);
    }, limit * 1000);
    const end = (text: string | undefined) => {
      clearTimeout(timer);
      resolve(text);
    };
    child.on('error', (error) => end(`could not start: ${error.message}`));
    child.on('close', (code, signal) => end(code === 0 ? undefined : `ended with ${code ?? signal ?? 'nothing'}`));
  });
  file?.end();
  if (ended === undefined) return output;
  const last = output.trimEnd().split('\n').slice(-LAST_LINES).join('\n  ');
  const where = log === undefined ? '' : `; its output is in ${log}`;
  throw new Error(`${what}: \`${[command, ...args].join(' ')}\` ${ended}${where}\n  ${last}`);
}

/** Ends a process and all that it started. */
export function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Those that run. */
const groups = new Set<number>();
let hears = false;

/** Has a process and all that it started end when this one is told to, until it has ended by itself: its number may be another's then. */
export function endWithUs(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  groups.add(pid);
  child.once('close', () => groups.delete(pid));
  if (hears) return;
  hears = true;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      for (const group of groups) endGroup(group);
      process.exit(1);
    });
  }
}
