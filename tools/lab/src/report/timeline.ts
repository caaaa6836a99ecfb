import type { ReplayObserver } from '../replay/mirror-replay.js';
import { HeatMap } from './heat-map.js';

const BUCKETS = 120;

/** What happened in one part of a replay. */
export interface Bucket {
  /** The share of all accesses that were made before, 0 to 1. */
  readonly at: number;
  readonly in: number;
  readonly out: number;
}

/** Collects what happens in a replay, by time: the accesses of the device so far. */
export class Timeline implements ReplayObserver {
  /** Entries that were made, by time and page. */
  readonly heat: HeatMap;
  private readonly accesses: number;
  private readonly into = new Float64Array(BUCKETS);
  private readonly out = new Float64Array(BUCKETS);

  constructor(accesses: number, pages: number) {
    this.accesses = Math.max(1, accesses);
    this.heat = new HeatMap(accesses, pages);
  }

  get buckets(): Bucket[] {
    return Array.from({ length: BUCKETS }, (_, i) => ({ at: i / BUCKETS, in: this.into[i]!, out: this.out[i]! }));
  }

  mapped(page: number, accesses: number): void {
    this.heat.add(accesses, page);
  }

  moved(direction: 'in' | 'out', pages: number, accesses: number): void {
    const bucket = Math.min(BUCKETS - 1, Math.floor((accesses / this.accesses) * BUCKETS));
    (direction === 'in' ? this.into : this.out)[bucket]! += pages;
  }
}
