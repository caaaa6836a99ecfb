import fc from 'fast-check';

/** Seed of a property: from `MIRRORSPACE_SEED`, else a new one. Printed, so that a run can be repeated. */
export function settingsOf(name: string, runs: number): { seed: number; numRuns: number; endOnFailure: boolean } {
  const seed = Number(process.env['MIRRORSPACE_SEED'] ?? (Math.random() * 2 ** 32) | 0);
  const numRuns = Number(process.env['MIRRORSPACE_RUNS'] ?? runs);
  console.log(`${name}: MIRRORSPACE_SEED=${seed}, ${numRuns} runs`);
  return { seed, numRuns, endOnFailure: false };
}

/** Long enough for all runs of a file on a busy machine. */
export const TEST_TIMEOUT_MS = 20 * 60_000;

fc.configureGlobal({ interruptAfterTimeLimit: TEST_TIMEOUT_MS - 60_000, markInterruptAsFailure: true });
