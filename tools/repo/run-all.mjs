// Runs root scripts one after the other, all of them even when one fails: `node tools/repo/run-all.mjs lint types`.
// With --name=<name> it leaves how many passed and failed in .results/<name>.json.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm, resultsFolder, run } from './workspaces.mjs';

const scripts = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const name = process.argv.find((argument) => argument.startsWith('--name='))?.slice('--name='.length);

const failed = [];
for (const script of scripts) {
  const start = performance.now();
  const { code } = await run(npm(['run', '--silent', script]));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${code === 0 ? '✓' : '✗'} ${script} (${seconds} s)`);
  if (code !== 0) failed.push(script);
}
if (name) {
  mkdirSync(resultsFolder, { recursive: true });
  const failures = failed.map((script) => ({ name: `npm run ${script}`, message: 'see what it printed' }));
  const counts = { passed: scripts.length - failed.length, failed: failed.length, failures };
  writeFileSync(join(resultsFolder, `${name}.json`), JSON.stringify(counts));
}
if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`);
process.exit(failed.length > 0 ? 1 : 0);
