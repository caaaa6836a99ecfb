/**
 * What happened with pages of one size. Hot paths hold on to the object and add to its fields.
 * The times follow the per-size counters of Linux's xe driver.
 */
export interface PageCounters {
  /** Faults served. */
  faults: number;
  /** Pages copied to the device. */
  pagesIn: number;
  /** Pages copied home from the device. */
  pagesOut: number;
  /** Bytes of `pagesIn`. */
  bytesIn: number;
  /** Bytes of `pagesOut`. */
  bytesOut: number;
  /** Pages that left the device to make room. */
  evictions: number;
  /** Microseconds from a fault batch's drain to its replay. */
  faultUs: number;
  /** Microseconds that migrations took, copies and bindings included. */
  migrateUs: number;
}

/** Counters of one page size as they were at one moment. */
export interface CountersSnapshot extends Readonly<PageCounters> {
  /** Bytes a page. */
  readonly pageSize: number;
}

/** Counters a page size. Numbers only ever grow; they are exact up to 2^53. */
export class Counters {
  private readonly sizes = new Map<number, PageCounters>();

  /** The counters of pages of `pageSize` bytes: the same object at each call, zeros at first. */
  of(pageSize: number): PageCounters {
    let counters = this.sizes.get(pageSize);
    if (counters === undefined) {
      counters = zeros();
      this.sizes.set(pageSize, counters);
    }
    return counters;
  }

  /** A copy of all counters, by ascending page size; sizes never asked for are absent. */
  snapshot(): CountersSnapshot[] {
    return [...this.sizes]
      .map(([pageSize, counters]) => ({ pageSize, ...counters }))
      .sort((a, b) => a.pageSize - b.pageSize);
  }

  /** The sums over all page sizes. */
  total(): PageCounters {
    const sum = zeros();
    for (const counters of this.sizes.values()) {
      for (const key of KEYS) sum[key] += counters[key];
    }
    return sum;
  }
}

function zeros(): PageCounters {
  return {
    faults: 0,
    pagesIn: 0,
    pagesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    evictions: 0,
    faultUs: 0,
    migrateUs: 0,
  };
}

const KEYS = Object.keys(zeros()).filter((key): key is keyof PageCounters => key in zeros());
