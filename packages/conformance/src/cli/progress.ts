import { Presets, SingleBar } from 'cli-progress';
import type { Status } from '../report/index.js';

/** Shows how far a run is. */
export interface Progress {
  update(done: number, total: number, address: string, status: Status): void;
  stop(): void;
}

/** A bar on standard error where that is a terminal; silent otherwise. */
export function createProgress(tty: boolean): Progress {
  if (!tty) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar(
    {
      format: '{bar} {value}/{total} {failed} failed  {address}',
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  let failed = 0;
  let started = false;
  return {
    update(done, total, address, status) {
      if (status === 'fail') failed++;
      if (!started) bar.start(total, 0, { failed, address });
      started = true;
      bar.update(done, { failed, address });
    },
    stop: () => bar.stop(),
  };
}
