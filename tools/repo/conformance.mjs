// Runs the conformance suite on one backend and keeps its JSON: `node tools/repo/conformance.mjs @mirrorspace/memory`.
// With --name=<name> it keeps it under that name; other options go to the suite.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resultsFolder, root } from './workspaces.mjs';

const isName = (argument) => argument.startsWith('--name=');
const [backend, ...options] = process.argv.slice(2).filter((argument) => !isName(argument));
const name = process.argv.find(isName)?.slice('--name='.length) ?? backend.split('/').pop();
const bin = join(root, 'packages', 'conformance', 'dist', 'bin.js');
// A case that hangs the process, or takes it down, costs that case and not the run.
const guarded = ['--kill-after', '60000'];
const how = ['--backend', backend, '--format', 'json', ...guarded, ...options];
const { status, stdout } = spawnSync(process.execPath, [bin, ...how], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
  encoding: 'utf8',
  maxBuffer: 1 << 28,
});

let report;
try {
  report = JSON.parse(stdout);
} catch {
  console.error(`conformance ${backend}: the suite printed no JSON (exit code ${status})\n${stdout.slice(0, 2000)}`);
  process.exit(1);
}
mkdirSync(resultsFolder, { recursive: true });
writeFileSync(join(resultsFolder, `conformance-${name}.json`), stdout);

const count = (wanted) => report.results.filter(({ status: found }) => found === wanted).length;
for (const { address, message } of report.results.filter((result) => result.status === 'fail')) {
  console.log(`✗ ${address}\n  ${message ?? ''}`);
}
console.log(`conformance ${backend}: ${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped`);
process.exit(status === 0 && count('fail') === 0 && count('pass') > 0 ? 0 : 1);
