// Runs the addon under valgrind's memcheck: `valgrind.mjs`. What an access that faults would show is not there: valgrind runs one thread at a
// time, so while a thread waits in a fault the handler thread of the same process cannot serve it. `check.mjs` does that with sanitizers.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** V8 writes code while it runs. */
const OPTIONS = ['--tool=memcheck', '--smc-check=all-non-file', '--leak-check=full', '--num-callers=30'];
const LIMIT_MS = 300_000;
const fixtures = fileURLToPath(new URL('../test/fixtures/', import.meta.url));

if (spawnSync('valgrind', ['--version']).status !== 0) {
  console.log('valgrind is not installed (apt-get install valgrind): nothing was checked');
  process.exit(0);
}

const RUNS = [
  { args: ['endings.mjs', 'exitWhileWorkerSleeps'], status: 4 },
  ...['terminateWorkerWithPendingWaits', 'terminateWorkerThatWaits', 'terminateWorkerThatSleeps'].map((way) => ({
    args: ['endings.mjs', way],
    status: 0,
  })),
  { args: ['fuzz.mjs', '1', '1000'], status: 0 },
];

/** Reports in which the first frame that is not valgrind's or the C library's own is the addon's. Node is not built to be clean. */
function reports(log) {
  const blocks = log.replaceAll(/^[=-]+\d+[=-]+ ?/gm, '').split(/\n\s*\n/);
  return blocks.filter((block) => {
    const frames = block.split('\n').filter((line) => /^\s+(?:at|by) 0x/.test(line));
    const caller = frames.find((line) => !/vgpreload|lib(?:c|stdc\+\+|pthread)\.so|operator new|malloc/.test(line));
    return caller !== undefined && caller.includes('mirrorspace.node') && !/still reachable|possibly lost/.test(block);
  });
}

function run({ args: [script, ...args], status }, folder) {
  return new Promise((resolve) => {
    const log = join(folder, 'log');
    const command = [...OPTIONS, `--log-file=${log}`, process.execPath, '--expose-gc', join(fixtures, script), ...args];
    const child = spawn('valgrind', command, { cwd: folder, timeout: LIMIT_MS, killSignal: 'SIGKILL' });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('close', (code, signal) => {
      const found = reports(readFileSync(log, 'utf8'));
      const passed = code === status && found.length === 0;
      resolve({
        passed,
        why: `status ${code}, signal ${signal}, ${found.length} reports\n${found.join('\n\n') || output}`,
      });
    });
  });
}

const folder = mkdtempSync(join(tmpdir(), 'mirrorspace-valgrind-'));
const failures = [];
for (const each of RUNS) {
  const { passed, why } = await run(each, folder);
  const name = each.args.join(' ');
  console.log(`${passed ? '✓' : '✗'} ${name}`);
  if (passed) continue;
  console.log(why.slice(0, 4000));
  failures.push({ name, message: why });
}
rmSync(folder, { recursive: true });
const results = fileURLToPath(new URL('../../../.results/', import.meta.url));
mkdirSync(results, { recursive: true });
const counts = { passed: RUNS.length - failures.length, failed: failures.length, failures };
writeFileSync(join(results, 'native-valgrind.json'), JSON.stringify(counts));
process.exit(failures.length > 0 ? 1 : 0);
