// Runs the conformance suite on one backend and keeps its JSON: `node tools/repo/conformance.mjs @mirrorspace/memory`.
// With --name=<name> it keeps it under that name; --node=<option> goes to Node, --user=<number> runs it as that user; other options go to the suite.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resultsFolder, root } from './workspaces.mjs';

const OURS = /^--(name|node|user)=(.*)$/;
const [backend, ...options] = process.argv.slice(2).filter((argument) => !OURS.test(argument));
const given = (option) =>
  process.argv.flatMap((argument) => {
    const [, key, value] = OURS.exec(argument) ?? [];
    return key === option ? [value] : [];
  });
const name = given('name')[0] ?? backend.split('/').pop();
const [user] = given('user').map(Number);
const bin = join(root, 'packages', 'conformance', 'dist', 'bin.js');
// A case that hangs the process, or takes it down, costs that case and not the run.
const guarded = options.includes('--kill-after') ? [] : ['--kill-after', '60000'];
const how = ['--backend', backend, '--format', 'json', ...guarded, ...options];
const { status, stdout } = spawnSync(process.execPath, [...given('node'), bin, ...how], {
  cwd: root,
  stdio: ['ignore', 'pipe', 'inherit'],
  encoding: 'utf8',
  maxBuffer: 1 << 28,
  ...(user !== undefined && { uid: user, gid: user }),
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
