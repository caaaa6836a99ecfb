// Runs the conformance suite where it is hard for @mirrorspace/native: `node tools/repo/native-conditions.mjs` a part, `--all` all of it,
// `--only=<name>` one of the conditions.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root, run } from './workspaces.mjs';

/** The user that nobody is; without privileges userfaultfd serves faults of programs only, not those of system calls. */
const NOBODY = 65_534;
const onNative = ['--host', '@mirrorspace/native#nativeMemory'];
/** Every garbage collection moves all that can be moved: what the addon or the engine keep of an object must survive it. */
const moving = '--node=--stress-compaction';
const nobody = `--user=${NOBODY}`;

/** Backend, options, and the parts of the suite for a run that is short; those under `mirror/` are the ones that have host memory. */
const CONDITIONS = {
  // The reference device on memory that the kernel tracks.
  'memory-on-native-memory': ['@mirrorspace/memory', [...onNative], ['mirror/'], ['mirror/']],
  'on-native-memory': [
    '@mirrorspace/native',
    [...onNative],
    ['mirror/'],
    ['mirror/fault', 'mirror/dirty', 'mirror/notifier', 'mirror/loss', 'mirror/merge'],
  ],
  unprivileged: [
    '@mirrorspace/native',
    [...onNative, nobody],
    [''],
    ['driver/mapping', 'driver/fault', 'mirror/mapping', 'mirror/migration', 'mirror/reclaim'],
  ],
  'stress-compaction': [
    '@mirrorspace/native',
    [moving],
    [''],
    ['driver/fault', 'driver/dirty', 'driver/replay', 'mirror/eviction', 'mirror/replay'],
  ],
  'stress-compaction-on-native-memory': [
    '@mirrorspace/native',
    [moving, ...onNative],
    ['mirror/'],
    ['mirror/flush', 'mirror/teardown', 'mirror/leak'],
  ],
};

const all = process.argv.includes('--all');
const only = process.argv.find((argument) => argument.startsWith('--only='))?.slice('--only='.length);
const conformance = fileURLToPath(new URL('./conformance.mjs', import.meta.url));
const isRoot = process.getuid?.() === 0;

if (isRoot) {
  const readable = spawnSync(process.execPath, [join(root, 'packages/conformance/dist/bin.js'), '--list'], {
    cwd: root,
    uid: NOBODY,
    gid: NOBODY,
    stdio: 'ignore',
  });
  if (readable.status !== 0) {
    console.error(`the user ${NOBODY} cannot run what is in ${root}: put the clone where everybody may read`);
    process.exit(1);
  }
}

let failed = false;
for (const [name, [backend, options, whole, part]] of Object.entries(CONDITIONS)) {
  if (only !== undefined && only !== name) continue;
  // Who has no privileges to give up has none.
  const how = isRoot ? options : options.filter((option) => option !== nobody);
  const start = performance.now();
  const args = [backend, `--name=native-${name}`, ...how, '--time-limit', '60000', '--kill-after', '200000'];
  const { code } = await run([process.execPath, [conformance, ...args, '--filter', ...(all ? whole : part)]]);
  console.log(`${code === 0 ? '✓' : '✗'} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  failed ||= code !== 0;
}
process.exit(failed ? 1 : 0);
