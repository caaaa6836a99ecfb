import { BASELINE } from '../replay/policies.js';
import type { ReplayRow } from '../replay/job.js';
import { baselineOf } from '../replay/columns.js';

/** Of what a table tells. */
export interface Measure {
  readonly title: string;
  /** A value of a job, by all others; undefined where it has none. */
  readonly of: (row: ReplayRow, rows: readonly ReplayRow[]) => number | undefined;
}

/** Estimated time, held against the baseline's. */
export const TIME: Measure = {
  title: `Estimated time / that of \`${BASELINE}\``,
  of: (row, rows) => {
    const baseline = baselineOf(row, rows);
    return baseline === undefined ? undefined : row.estimatedUs / baseline.estimatedUs;
  },
};

/** Pages brought, held against the fewest possible. */
export const PAGES_IN: Measure = {
  title: 'Pages brought / those of Belady’s MIN',
  of: ({ pagesIn, beladyPagesIn }) => (beladyPagesIn === null ? undefined : pagesIn / beladyPagesIn),
};

/** The mean of ratios. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** Rows of one size and window, a line a trace and a column a policy, and the geometric means below, as Markdown. */
export function tableOf(measure: Measure, rows: readonly ReplayRow[], all: readonly ReplayRow[]): string {
  const policies = distinct(rows.map(({ policy }) => policy));
  const traces = distinct(rows.map(({ trace }) => trace));
  const valueOf = (trace: string, policy: string) => {
    const row = rows.find((one) => one.trace === trace && one.policy === policy);
    return row === undefined ? undefined : measure.of(row, all);
  };
  const lines = traces.map((trace) => [`\`${trace}\``, ...policies.map((policy) => textOf(valueOf(trace, policy)))]);
  const means = policies.map((policy) => textOf(meanOf(traces.map((trace) => valueOf(trace, policy)))));
  return markdown(['', ...policies.map((policy) => `\`${policy}\``)], [...lines, ['**geometric mean**', ...means]]);
}

/** Geometric means by size and window, a column a policy. */
export function summaryOf(measure: Measure, rows: readonly ReplayRow[]): string {
  const policies = distinct(rows.map(({ policy }) => policy));
  const lines = groupsOf(rows).map((group) => {
    const { memory, window } = group[0]!;
    const means = policies.map((policy) =>
      textOf(meanOf(group.filter((row) => row.policy === policy).map((row) => measure.of(row, rows)))),
    );
    return [memory, window === 1 ? 'serial' : String(window), ...means];
  });
  return markdown(['memory', 'window', ...policies.map((policy) => `\`${policy}\``)], lines);
}

/** Rows by size and window, in the order in which these come up. */
export function groupsOf(rows: readonly ReplayRow[]): ReplayRow[][] {
  const groups = new Map<string, ReplayRow[]>();
  for (const row of rows) {
    const key = `${row.memory} ${row.window}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return [...groups.values()];
}

/** The mean, where no value is missing. */
function meanOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 || known.length < values.length ? undefined : geometricMean(known);
}

function textOf(value: number | undefined): string {
  return value === undefined ? '' : value.toFixed(2);
}

function distinct(items: readonly string[]): string[] {
  return [...new Set(items)];
}

function markdown(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...lines.map(line)].join('\n');
}
