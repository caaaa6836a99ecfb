import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import { readLackey } from '../trace/lackey.js';
import { PageTraceWriter } from '../trace/writer.js';
import type { CpuProgram } from './cpu-programs.js';
import type { Recorded } from './record.js';

const PAGE = 4096;
/** Pages that a small TLB would know. */
const FILTER = 64;
/** The file descriptor that valgrind writes to. */
const LOG = 3;

/**
 * Runs a program of the system under valgrind's lackey, and writes what it accesses as `<folder>/<name>.mstrace.gz`.
 * @throws Error where valgrind or the program is missing or fails; then no file is left
 */
export async function recordCpuProgram(program: CpuProgram, folder: string): Promise<Recorded> {
  await mkdir(folder, { recursive: true });
  const path = `${folder}/${program.name}.mstrace.gz`;
  const scratch = await mkdtemp(`${tmpdir()}/mirrorspace-record-`);
  try {
    const input = `${scratch}/input`;
    await writeFile(input, program.input?.() ?? '');
    const command = program.command.map((part) => part.replaceAll('{input}', input));
    const options = ['--tool=lackey', '--trace-mem=yes', '--trace-children=yes', `--log-fd=${LOG}`];
    // Sorting by the rules of a language would be all that is seen.
    const env = { ...process.env, LC_ALL: 'C' };
    const child = spawn('valgrind', [...options, '--', ...command], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      env,
    });
    const ended = new Promise<void>((resolve, reject) => {
      let complaint = '';
      child.stderr!.on('data', (text: Buffer) => (complaint = (complaint + text.toString()).slice(-1000)));
      child.once('error', reject);
      child.once('close', (code) => {
        if (code === 0) resolve();
        else reject(new Error(`${program.name} ended with ${code ?? 'a signal'} under valgrind: ${complaint}`));
      });
    });
    const writer = await PageTraceWriter.create(path, { pageSize: PAGE });
    try {
      const lines = child.stdio[LOG] as Readable as AsyncIterable<Uint8Array>;
      const all = (async () => {
        for await (const chunk of readLackey(lines, program.name, { pageSize: PAGE, filter: FILTER }))
          await writer.append(chunk);
      })();
      await Promise.all([all, ended]);
      await writer.close();
    } catch (error) {
      child.kill('SIGKILL');
      await writer.abort().catch(() => undefined);
      throw error;
    }
    return { path, records: writer.records };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
