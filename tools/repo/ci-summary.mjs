// Adds up what the steps left in .results/ and ends with `N passed, N failed` on a line of its own.
// Arguments are the exit codes of the steps: one that failed without a failure on record counts as one failure.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { resultsFolder } from './workspaces.mjs';

/** Counts of one result file: vitest's JSON report, a conformance report, or plain `{ passed, failed }`. */
function counts(report) {
  if (Array.isArray(report.testResults)) {
    const unloadable = report.testResults.filter(
      (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
    );
    return { passed: report.numPassedTests, failed: report.numFailedTests + unloadable.length };
  }
  if (Array.isArray(report.results)) {
    const count = (wanted) => report.results.filter(({ status }) => status === wanted).length;
    return { passed: count('pass'), failed: count('fail') };
  }
  return { passed: report.passed, failed: report.failed };
}

const total = { passed: 0, failed: 0 };
for (const name of existsSync(resultsFolder) ? readdirSync(resultsFolder).sort() : []) {
  if (!name.endsWith('.json')) continue;
  const { passed, failed } = counts(JSON.parse(readFileSync(join(resultsFolder, name), 'utf8')));
  if (!Number.isSafeInteger(passed) || !Number.isSafeInteger(failed)) throw new Error(`${name} holds no counts`);
  console.log(`${name.slice(0, -'.json'.length)}: ${passed} passed, ${failed} failed`);
  total.passed += passed;
  total.failed += failed;
}
const stepFailed = process.argv.slice(2).some((code) => code !== '0');
if (stepFailed && total.failed === 0) total.failed = 1;
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
