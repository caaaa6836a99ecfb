// What the files in .results/ say: how many tests passed, and which failed.
import { stripVTControlCharacters } from 'node:util';

/** Lines of a failure's message that are shown. */
const MOST_LINES = 25;

/**
 * Counts and failures of one result file: a conformance report, or `{ passed, failed }` with `failures: [{ name, file,
 * message }]` where the step says which.
 */
export function readResults(report) {
  if (Array.isArray(report.results)) {
    const having = (wanted) => report.results.filter(({ status }) => status === wanted);
    const failures = having('fail').map(({ address, message }) => ({ name: address, message }));
    return { passed: having('pass').length, failed: failures.length, failures };
  }
  return { passed: report.passed, failed: report.failed, failures: report.failures ?? [] };
}

/** A failure for people: what failed, where, why, and the seeds in what is not shown of the message. */
export function failureText(step, { name, file, message = '' }) {
  const lines = stripVTControlCharacters(message).trimEnd().split('\n');
  const shown = lines.slice(0, MOST_LINES);
  const rest = lines.slice(MOST_LINES);
  const seeds = rest.filter((line) => /seed/i.test(line)).map((line) => line.trim().slice(0, 300));
  if (rest.length > 0) shown.push(`… ${rest.length} more lines`, ...new Set(seeds));
  const where = file === undefined ? '' : ` (${file})`;
  return [`✗ ${step}: ${name}${where}`, ...shown.map((line) => `    ${line.slice(0, 1000)}`)].join('\n');
}
