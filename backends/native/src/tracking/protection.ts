import type { IdList } from '@mirrorspace/core';
import type { Userfault } from '../addon/userfault.js';
import type { Tier, TrackedRange } from './tier.js';

/** Most runs that one call returns. */
const RUNS = 2048;
/** Numbers before the first run. */
const HEADER = 3;

/**
 * Write protection by userfaultfd. `wp-async`: the kernel notes the first write to each page, and a scan tells. `wp-sync`: that write waits
 * until the handler thread has noted it.
 */
export class ProtectionTier implements Tier {
  readonly bytes = 8 * (HEADER + 3 * RUNS);
  private readonly runs = new Float64Array(HEADER + 3 * RUNS);

  constructor(
    readonly mechanism: 'wp-async' | 'wp-sync',
    private readonly faults: Userfault,
    private readonly pageSize: number,
  ) {}

  begin(): void {
    // It was registered for it.
  }

  end(): void {
    // Its registration ends with the mapping.
  }

  collect(range: TrackedRange, first: number, count: number, out: IdList): void {
    const { runs, pageSize } = this;
    const perByte = 1 / pageSize;
    const end = (first + count - range.first) * pageSize;
    // A frame of several system pages may be in several runs.
    let last = -1;
    for (let at = (first - range.first) * pageSize; at < end; at = runs[2]!) {
      const found = this.faults.takeWritten(range.mapping, at, end - at, runs);
      for (let i = HEADER; i < HEADER + 3 * found; i += 3) {
        let frame = range.first + Math.floor(runs[i]! * perByte);
        const stop = range.first + Math.ceil(runs[i + 1]! * perByte);
        if (frame === last) frame++;
        for (; frame < stop; frame++) out.push(frame);
        last = stop - 1;
      }
    }
  }

  withheld(): void {
    // The addon keeps what it knew.
  }

  restoring(): void {
    // Pages come clean.
  }

  forget(range: TrackedRange, frames: Uint32Array): void {
    this.faults.forgetPages(range.mapping, frames, 0, frames.length, range.first, this.pageSize);
  }
}
