// Runs the addon under sanitizers: every way to end, and random calls. `check.mjs address` (with leaks, and undefined behaviour) or
// `check.mjs thread` (data races). Needs g++ with its libasan and libtsan. Only what the addon's own code did counts: Node is not
// built for it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addon, builtIn, compile, copySources, inputs, kept, place } from './addon.mjs';

const CHECKS = {
  address: {
    flags: '-fsanitize=address,undefined -fno-sanitize-recover=undefined',
    library: 'libasan.so',
    env: {
      ASAN_OPTIONS: 'detect_leaks=1:exitcode=0:detect_stack_use_after_return=1',
      LSAN_OPTIONS: 'exitcode=0:max_leaks=0',
    },
  },
  thread: { flags: '-fsanitize=thread', library: 'libtsan.so', env: { TSAN_OPTIONS: 'exitcode=0:history_size=4' } },
};
const check = process.argv[2] ?? 'address';
if (!Object.hasOwn(CHECKS, check))
  throw new RangeError(`no check ${check}; there are ${Object.keys(CHECKS).join(', ')}`);
const { flags, library, env } = CHECKS[check];

const folder = join(addon, 'checked');
const hash = inputs(flags);
if (!existsSync(kept(hash))) {
  process.stderr.write('mirrorspace: building the addon with sanitizers …\n');
  copySources(folder);
  compile(folder, { CXXFLAGS: `${flags} -fno-omit-frame-pointer -g`, LDFLAGS: flags });
  place(builtIn(folder), kept(hash));
}
place(kept(hash), builtIn(folder));

const runtime = spawnSync('g++', [`-print-file-name=${library}`], { encoding: 'utf8' }).stdout.trim();
const fixtures = fileURLToPath(new URL('../test/fixtures/', import.meta.url));
const scratch = join(folder, 'scratch');
mkdirSync(scratch, { recursive: true });

/** Reports of leaks and races in which the first frame that is not the sanitizer's own is the addon's. */
function reports(output) {
  return output.split(/\n(?=(?:Direct|Indirect) leak|WARNING: ThreadSanitizer)/).filter((block) => {
    if (!/^(?:Direct|Indirect) leak|^WARNING: ThreadSanitizer/.test(block)) return false;
    const frames = block.split('\n').filter((line) => /^\s+#\d/.test(line));
    const caller = frames.find((line) => !/lib[at]san|operator new|\(\/.*libstdc\+\+/.test(line));
    return caller !== undefined && /mirrorspace\.node|\/addon\/checked\//.test(caller);
  });
}

function run(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--expose-gc', ...args], {
      cwd: scratch,
      timeout: 120_000,
      killSignal: 'SIGKILL',
      env: { ...process.env, ...env, LD_PRELOAD: runtime, MIRRORSPACE_ADDON: folder },
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('close', (status, signal) => resolve({ status, signal, output }));
  });
}

const ways = {
  natural: 0,
  exit: 3,
  throw: 1,
  exitWhileWorkerInFault: 4,
  exitWhileWorkerInUnreadFault: 4,
  closeWhileWorkerInFault: 0,
  unmapWhileWorkerInFault: 0,
  terminateWorkerInFault: 0,
  terminateWorkerWithPendingWaits: 0,
  terminateWorkerThatWaits: 0,
  terminateWorkerThatSleeps: 0,
  terminateWorkersInCalls: 0,
  workersComeAndGo: 0,
  collected: 0,
  openAndClose: 0,
};
const runs = Object.entries(ways).map(([way, status]) => ({ args: [join(fixtures, 'endings.mjs'), way], status }));
for (const mode of ['async', 'sync']) runs.push({ args: [join(fixtures, 'stress.mjs'), mode, '300000'], status: 0 });
for (const seed of [1, 2, 3]) runs.push({ args: [join(fixtures, 'fuzz.mjs'), String(seed), '20000'], status: 0 });

const failures = [];
for (const { args, status } of runs) {
  const result = await run(args);
  const found = reports(result.output);
  const broken = /ERROR: AddressSanitizer|runtime error:/.test(result.output);
  const passed = result.status === status && !broken && found.length === 0;
  console.log(`${passed ? '✓' : '✗'} ${args.slice(1).join(' ')}`);
  if (passed) continue;
  const why = `status ${result.status}, signal ${result.signal}, ${found.length} reports`;
  const detail = found.length > 0 && !broken ? found.slice(0, 3).join('\n') : result.output.slice(0, 4000);
  console.log(`  ${why}\n${detail}`);
  failures.push({ name: args.slice(1).join(' '), message: `${why}\n${detail}` });
}
const results = fileURLToPath(new URL('../../../.results/', import.meta.url));
mkdirSync(results, { recursive: true });
const counts = { passed: runs.length - failures.length, failed: failures.length, failures };
writeFileSync(join(results, `native-${check}.json`), JSON.stringify(counts));
process.exit(failures.length > 0 ? 1 : 0);
