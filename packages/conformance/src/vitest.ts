import { prepareSuite, type SuiteOptions } from './adapters.js';

/** The function of vitest that the adapter needs. It is handed in, so that the suite depends on no version of the runner. */
export interface VitestTest {
  (name: string, body: () => Promise<void>, timeoutMs: number): void;
  /** Defines a test that does not run. */
  skip(name: string, body: () => Promise<void>): void;
}

/** Defines every case as a vitest test: `await vitestSuite(test, { backend })` at the top of a test file. */
export async function vitestSuite(test: VitestTest, options: SuiteOptions): Promise<void> {
  for (const { tested, skip, timeoutMs, run } of await prepareSuite(options)) {
    if (skip === undefined) test(tested.address, run, timeoutMs);
    else test.skip(tested.address, run);
  }
}
