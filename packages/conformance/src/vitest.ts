import { prepareSuite, type SuiteOptions } from './adapters.js';

type Body = () => Promise<void>;

/** The function of vitest that the adapter needs. It is handed in, so that the suite depends on no version of the runner. */
export interface VitestTest {
  (name: string, body: Body, timeoutMs: number): void;
  skip(name: string, body: Body): void;
}

/** Defines every case as a vitest test: `await vitestSuite(test, { backend })` at the top of a test file. */
export async function vitestSuite(test: VitestTest, options: SuiteOptions): Promise<void> {
  for (const { tested, skip, timeoutMs, run } of await prepareSuite(options)) {
    if (skip === undefined) test(tested.address, run, timeoutMs);
    else test.skip(tested.address, run);
  }
}
