// Says which tests failed and why, adds up what the steps left in .results/, and ends with `N passed, N failed` on a line of its own.
// Arguments are the exit codes of the steps: one that failed without a failure on record counts as one failure.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { failureText, readResults } from './results.mjs';
import { resultsFolder } from './workspaces.mjs';

const total = { passed: 0, failed: 0 };
const lines = [];
for (const name of existsSync(resultsFolder) ? readdirSync(resultsFolder).sort() : []) {
  if (!name.endsWith('.json')) continue;
  const step = name.slice(0, -'.json'.length);
  const { passed, failed, failures } = readResults(JSON.parse(readFileSync(join(resultsFolder, name), 'utf8')));
  if (!Number.isSafeInteger(passed) || !Number.isSafeInteger(failed)) throw new Error(`${name} holds no counts`);
  for (const failure of failures) console.log(failureText(step, failure));
  lines.push(`${step}: ${passed} passed, ${failed} failed`);
  total.passed += passed;
  total.failed += failed;
}
for (const line of lines) console.log(line);
const stepFailed = process.argv.slice(2).some((code) => code !== '0');
if (stepFailed && total.failed === 0) {
  console.log('a step failed and left no failed test on record: see what it printed');
  total.failed = 1;
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
