import { totals, type Report, type Status } from './report.js';

/** Colours for the pretty format; identity functions give plain text. */
export interface Palette {
  /** What passed. */
  green(text: string): string;
  /** What failed. */
  red(text: string): string;
  /** What was skipped. */
  yellow(text: string): string;
  /** What matters less. */
  dim(text: string): string;
  /** Headings. */
  bold(text: string): string;
}

const same = (text: string): string => text;

/** A palette without colours. */
export const PLAIN: Palette = { green: same, red: same, yellow: same, dim: same, bold: same };

/** Indents every line of `text`. */
function indent(text: string, by: string): string {
  return text.replace(/^/gm, by);
}

/** For people: a line an area, then every failure in full, then the totals. */
export function formatPretty(report: Report, palette: Palette = PLAIN): string {
  const lines = [palette.bold(`conformance of ${report.backend}`) + palette.dim(` on ${report.device}`), ''];
  const areas = new Map<string, Record<Status, number>>();
  for (const { area, status } of report.results) {
    const counts = areas.get(area) ?? { pass: 0, fail: 0, skip: 0 };
    counts[status]++;
    areas.set(area, counts);
  }
  for (const [area, { pass, fail, skip }] of areas) {
    const parts = [palette.green(`${pass} passed`)];
    if (fail) parts.push(palette.red(`${fail} failed`));
    if (skip) parts.push(palette.yellow(`${skip} not claimed`));
    lines.push(`  ${area.padEnd(12)} ${parts.join(', ')}`);
  }
  for (const { status, address, message } of report.results) {
    if (status === 'fail') lines.push('', palette.red(`✗ ${address}`), indent(message ?? '', '    '));
  }
  const { pass, fail, skip } = totals(report);
  const text = `${report.results.length} cases: ${pass} passed, ${fail} failed, ${skip} skipped (not claimed)`;
  lines.push('', fail > 0 || pass === 0 ? palette.red(text) : palette.green(text));
  if (pass + fail === 0) lines.push(palette.red('no case ran: that proves nothing, so it counts as a failure'));
  return lines.join('\n');
}

/** Test Anything Protocol, version 14. */
export function formatTap(report: Report): string {
  const lines = ['TAP version 14', `1..${report.results.length}`];
  report.results.forEach(({ status, address, message, timeMs }, index) => {
    const head = `${status === 'fail' ? 'not ok' : 'ok'} ${index + 1} - ${address.replaceAll('#', '\\#')}`;
    lines.push(status === 'skip' ? `${head} # SKIP ${message ?? ''}` : head);
    if (status === 'skip') return;
    lines.push('  ---', `  duration_ms: ${timeMs}`);
    if (message) lines.push('  message: |', indent(message, '    '));
    lines.push('  ...');
  });
  return lines.join('\n');
}

/** The report itself, as {@link Report} says; it can be merged and compared. */
export function formatJson(report: Report): string {
  return JSON.stringify(report, null, 2);
}
