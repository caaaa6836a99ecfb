/** What a page is told to run. */
export interface SuiteJob {
  /** In the page itself, or in a worker that it starts. */
  readonly where: 'page' | 'worker';
  readonly addresses: readonly string[];
}
