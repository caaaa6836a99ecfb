import { TraceError } from './trace/page-trace.js';

/** A trace that is refused is a result, not a crash: one line, and exit code 1. */
export async function refusing(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    console.error(`${error.code}: ${error.message}`);
    process.exitCode = 1;
  }
}
