import { readClaims } from './backend.js';
import { allCases } from './cases/index.js';
import { whySkip } from './needs.js';
import { filterCases, runCase, shuffleCases, TIME_LIMIT_MS, type RunOptions } from './run.js';
import type { Case } from './case.js';

/** Options of the adapters. */
export type SuiteOptions = Omit<RunOptions, 'onResult'>;

/** One case, ready for a test runner. */
export interface ReadyCase {
  /** The case. */
  readonly tested: Case;
  /** Why it does not apply to the device. */
  readonly skip: string | undefined;
  /** Milliseconds after which it certainly ended. */
  readonly timeoutMs: number;
  /** Rejects with the failure's message. */
  readonly run: () => Promise<void>;
}

/** Prepares the suite for a test runner. @throws RangeError when no case would run. */
export async function prepareSuite(options: SuiteOptions): Promise<ReadyCase[]> {
  const claims = await readClaims(options.backend, options.backendOptions, options.host);
  const chosen = filterCases(options.cases ?? allCases, options.filter);
  const ordered = options.seed === undefined ? chosen : shuffleCases(chosen, options.seed);
  const ready = ordered.map((tested) => ({
    tested,
    skip: whySkip(tested, claims),
    timeoutMs: 3 * (options.timeLimitMs ?? TIME_LIMIT_MS),
    async run(): Promise<void> {
      const { status, message } = await runCase(tested, { ...options, claims });
      if (status === 'fail') throw new Error(message);
    },
  }));
  if (ready.every(({ skip }) => skip !== undefined)) {
    throw new RangeError(`no case applies to ${claims.info.name}: check the filter, and what the device claims`);
  }
  return ready;
}
