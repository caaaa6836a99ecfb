import { Writable } from 'node:stream';
import { runCli } from '../src/cli.js';

/** What a run of the command line left: its exit code and everything it wrote. */
export interface Captured {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

class Sink extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Runs the command line in this process. */
export async function capture(...args: string[]): Promise<Captured> {
  const [stdout, stderr] = [new Sink(), new Sink()];
  const exitCode = await runCli(args, { stdout, stderr });
  return { exitCode, stdout: stdout.text, stderr: stderr.text };
}
