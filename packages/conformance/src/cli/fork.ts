import { fork } from 'node:child_process';
import type { Runner, RunnerMessage } from '../guard/index.js';

/** What the process of {@link forkRunner} is told to run. */
export interface Job {
  /** As after `--backend`. */
  readonly backend: string;
  readonly backendOptions?: unknown;
  /** As after `--host`. */
  readonly host?: string;
  readonly addresses: readonly string[];
  readonly seed?: number;
  readonly timeLimitMs?: number;
}

/** Runs cases in a process of their own: `program` gets the job as its first message, and sends what a guard wants to hear. */
export function forkRunner(program: string, job: Job, heard: (message: RunnerMessage) => void): Runner {
  const child = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = new Promise<void>((resolve) => {
    child.on('message', (message) => heard(message as RunnerMessage));
    child.on('error', (error) => {
      heard({ kind: 'gone', reason: error.message });
      // Without a process there is none to wait for.
      if (child.pid === undefined) resolve();
    });
    child.on('exit', (code, signal) => {
      process.off('exit', kill);
      const how = signal === null ? `ended with exit code ${code}` : `got ${signal}`;
      heard({ kind: 'gone', reason: `its process ${how}` });
      resolve();
    });
  });
  child.send(job);
  return {
    kill: () => {
      kill();
      return ended;
    },
  };
}
