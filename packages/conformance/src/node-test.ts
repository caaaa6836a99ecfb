import { prepareSuite, type SuiteOptions } from './adapters.js';

/** The function of node:test that the adapter needs; it is handed in. */
export type NodeTest = (
  name: string,
  options: { readonly skip: string | false; readonly timeout: number },
  body: () => Promise<void>,
) => unknown;

/** Defines every case as a node:test test: `await nodeTestSuite(test, { backend })`. */
export async function nodeTestSuite(test: NodeTest, options: SuiteOptions): Promise<void> {
  for (const { tested, skip, timeoutMs, run } of await prepareSuite(options)) {
    void test(tested.address, { skip: skip ?? false, timeout: timeoutMs }, run);
  }
}
