// Runs the `test` script of every example and leaves the counts in .results/examples.json.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npm, resultsFolder, root, run, workspaces } from './workspaces.mjs';

const counts = { passed: 0, failed: 0, failures: [] };
for (const { folder, manifest } of workspaces()) {
  if (!folder.startsWith('examples/') || !manifest.scripts?.test) continue;
  const { code, output } = await run(npm(['run', '--silent', 'test']), { cwd: join(root, folder), stdio: 'capture' });
  counts[code === 0 ? 'passed' : 'failed'] += 1;
  console.log(`${code === 0 ? '✓' : '✗'} ${folder}`);
  if (code === 0) continue;
  console.log(output);
  counts.failures.push({ name: folder, message: output });
}
mkdirSync(resultsFolder, { recursive: true });
writeFileSync(join(resultsFolder, 'examples.json'), JSON.stringify(counts));
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
