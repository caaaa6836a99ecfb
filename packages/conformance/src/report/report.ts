/** Outcome of one case. */
export type Status = 'pass' | 'fail' | 'skip';

/** Result of one case. */
export interface Result {
  /** The {@link Case.address}. */
  readonly address: string;
  /** The {@link Case.area}. */
  readonly area: string;
  /** The {@link Case.tags}. */
  readonly tags: readonly string[];
  /** How it ended. */
  readonly status: Status;
  /** Milliseconds of real time, ≥ 0. */
  readonly timeMs: number;
  /** Why it failed or was skipped. */
  readonly message?: string;
}

/** Version of the report's shape. */
export const REPORT_VERSION = 1;

/** Results of a run: what `--format json` prints. */
export interface Report {
  /** The {@link REPORT_VERSION} it was written with. */
  readonly version: number;
  /** Name of the backend. */
  readonly backend: string;
  /** Description of the device. */
  readonly device: string;
  /** One a case, in the order they ran. */
  readonly results: readonly Result[];
}

/** How many cases ended how. */
export type Totals = Readonly<Record<Status, number>>;

/** Counts results by status. */
export function totals(report: Report): Totals {
  const counts = { pass: 0, fail: 0, skip: 0 };
  for (const { status } of report.results) counts[status]++;
  return counts;
}

/** Whether a run may be called a success: at least one case ran and none failed. */
export function succeeded(report: Report): boolean {
  const { pass, fail } = totals(report);
  return fail === 0 && pass > 0;
}

const WEIGHT: Readonly<Record<Status, number>> = { skip: 0, pass: 1, fail: 2 };

/**
 * Joins reports of parts of the suite. A case in several of them keeps its worst result.
 * @throws RangeError when there is none, or they are not of one version, backend and device.
 */
export function mergeReports(reports: readonly Report[]): Report {
  const [first] = reports;
  if (!first) throw new RangeError('mergeReports needs at least one report');
  const merged = new Map<string, Result>();
  for (const report of reports) {
    for (const key of ['version', 'backend', 'device'] as const) {
      if (report[key] === first[key]) continue;
      throw new RangeError(`cannot merge reports of different ${key}s: ${first[key]} and ${report[key]}`);
    }
    for (const result of report.results) {
      const known = merged.get(result.address);
      if (!known || WEIGHT[result.status] > WEIGHT[known.status]) merged.set(result.address, result);
    }
  }
  const { version, backend, device } = first;
  return { version, backend, device, results: [...merged.values()] };
}

/** What changed between two reports: addresses of cases. */
export interface Comparison {
  /** Failed before, passes now. */
  readonly fixed: readonly string[];
  /** Did not fail before (or was not there), fails now. */
  readonly broken: readonly string[];
  /** Failed before, fails now. */
  readonly stillFailing: readonly string[];
  /** Ran before, is skipped now. */
  readonly newlySkipped: readonly string[];
  /** Not there before. */
  readonly added: readonly string[];
  /** Not there any more. */
  readonly removed: readonly string[];
}

/** Compares two reports case by case; of different backends too. */
export function compareReports(before: Report, after: Report): Comparison {
  const old = new Map(before.results.map((result) => [result.address, result.status]));
  const now = new Map(after.results.map((result) => [result.address, result.status]));
  const select = (test: (was: Status | undefined, is: Status) => boolean): string[] =>
    [...now].filter(([address, is]) => test(old.get(address), is)).map(([address]) => address);
  return {
    fixed: select((was, is) => was === 'fail' && is === 'pass'),
    broken: select((was, is) => was !== 'fail' && is === 'fail'),
    stillFailing: select((was, is) => was === 'fail' && is === 'fail'),
    newlySkipped: select((was, is) => was !== undefined && was !== 'skip' && is === 'skip'),
    added: select((was) => was === undefined),
    removed: [...old.keys()].filter((address) => !now.has(address)),
  };
}

/** Reads a report from JSON. @throws RangeError for anything else. */
export function parseReport(text: string): Report {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new RangeError('not a conformance report');
  const { version, backend, device, results } = value as Partial<Report>;
  if (version !== REPORT_VERSION) throw new RangeError(`not a conformance report of version ${REPORT_VERSION}`);
  if (typeof backend !== 'string' || typeof device !== 'string' || !Array.isArray(results)) {
    throw new RangeError('not a conformance report: backend, device or results are missing');
  }
  return { version, backend, device, results };
}
