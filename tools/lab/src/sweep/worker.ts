import { type Job, type ReplayRow, Subject } from '../replay/job.js';
import { openTrace } from '../trace/open.js';

/** A job, and where its trace is. */
export interface PathJob extends Job {
  readonly path: string;
}

/** The trace of the last job: the next is most likely of the same. */
let last: { path: string; subject: Promise<Subject> } | undefined;

/** Runs a job: what a worker of the pool does. */
export default async function run({ path, ...job }: PathJob): Promise<ReplayRow> {
  if (last?.path !== path) last = { path, subject: openTrace(path).then((trace) => Subject.of(trace)) };
  return (await last.subject).run(job);
}
