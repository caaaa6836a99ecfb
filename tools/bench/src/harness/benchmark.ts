import type { ClockName } from './clock.js';
import type { Row } from './row.js';

/** How a benchmark is run. */
export interface RunOptions {
  /** Fewer rounds over less memory: to see that it works, not to judge by. */
  readonly quick: boolean;
  readonly clock: ClockName;
}

/** A benchmark: one or more rows from one process. */
export interface Benchmark {
  /** Names it on the command line. */
  readonly id: string;
  /** What is compared with what, in one line. */
  readonly title: string;
  run(options: RunOptions): Promise<Row[]>;
}
