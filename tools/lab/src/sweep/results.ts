import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Job, ReplayRow } from '../replay/job.js';

/** What a file of results holds. */
interface ResultsFile {
  readonly format: 'mirrorspace-lab-results-1';
  readonly rows: readonly ReplayRow[];
}

/** A job and the trace it is about. */
export interface TraceJob extends Job {
  readonly trace: string;
}

/** What tells one job from another. */
function keyOf({ trace, policy, memory, window, model }: TraceJob): string {
  return JSON.stringify([
    trace,
    memory,
    window,
    policy,
    model.batchUs,
    model.peakGBs,
    model.slopePerKiB,
    model.accessUs,
  ]);
}

/** Results by job: what was found out on any machine can be put together in any order. */
export class Results {
  private readonly byKey = new Map<string, ReplayRow>();

  get rows(): ReplayRow[] {
    return [...this.byKey.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  }

  has(job: TraceJob): boolean {
    return this.byKey.has(keyOf(job));
  }

  /** @throws Error where another row says something else of the same job: then they are not from the same sources */
  add(row: ReplayRow): void {
    const key = keyOf(row);
    const known = this.byKey.get(key);
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(row))
      throw new Error(`two results of ${row.trace}, ${row.policy}, ${row.memory}, window ${row.window} differ`);
    this.byKey.set(key, row);
  }

  /** Adds what a file holds. @throws Error for a file of another kind */
  async read(path: string): Promise<void> {
    const { format, rows } = JSON.parse(await readFile(path, 'utf8')) as ResultsFile;
    if ((format as string) !== 'mirrorspace-lab-results-1') throw new Error(`${path} holds no results`);
    for (const row of rows) this.add(row);
  }

  /** Writes all of it; the file appears when it is whole. */
  async write(path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    const lines = this.rows.map((row) => JSON.stringify(row)).join(',\n');
    await writeFile(`${path}.part`, `{"format":"mirrorspace-lab-results-1","rows":[\n${lines}\n]}\n`);
    await rename(`${path}.part`, path);
  }
}
