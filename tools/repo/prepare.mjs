// Makes a checkout ready to run: installs from the lockfile when needed, then builds what changed.
// Runs before `npm run demo`, `npm test` and the rest, so it uses Node built-ins only, writes to stderr only
// (stdout belongs to the command that follows) and costs little when there is nothing to do.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { npm, root, run, turbo, workspaces } from './workspaces.mjs';

const installStamp = join(root, 'node_modules', '.mirrorspace', 'install');
const buildStamp = (task) => join(root, 'node_modules', '.mirrorspace', task.replace(':', '-'));

const read = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);

function stamp(path, value) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, value);
}

async function step(what, command) {
  process.stderr.write(`mirrorspace: ${what} …\n`);
  const { code, output } = await run(command, { stdio: 'capture' });
  if (code === 0) return;
  process.stderr.write(`${output}\nmirrorspace: ${what} failed with exit code ${code}\n`);
  process.exit(1);
}

/** True when npm's own record of what it installed agrees with the lockfile, as after a plain `npm install`. */
function installedMatches(lockfile) {
  const installed = read(join(root, 'node_modules', '.package-lock.json'));
  if (installed === undefined) return false;
  const have = JSON.parse(installed).packages;
  return Object.entries(JSON.parse(lockfile).packages).every(([path, wanted]) => {
    if (!path.includes('node_modules/')) return true;
    const found = have[path];
    return found ? found.version === wanted.version && found.link === wanted.link : wanted.optional === true;
  });
}

async function install() {
  const lockfile = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const hash = createHash('sha256').update(lockfile).digest('hex');
  if (read(installStamp) === hash) return;
  if (!installedMatches(lockfile)) {
    // No dependency needs its install script, so none is run.
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
    await step('installing dependencies from package-lock.json', npm(['ci', ...flags]));
  }
  stamp(installStamp, hash);
}

/** Sizes and modification times of everything a build reads: a changed file always changes this. */
function buildInputs(all) {
  const hash = createHash('sha256');
  const add = (path) => {
    const info = statSync(path, { throwIfNoEntry: false });
    if (!info) return;
    if (!info.isDirectory()) hash.update(`${path}\0${info.size}\0${info.mtimeMs}\n`);
    else for (const name of readdirSync(path).sort()) add(join(path, name));
  };
  for (const name of ['package-lock.json', 'turbo.json', 'tsconfig.base.json', 'tsup.base.ts']) add(join(root, name));
  for (const { folder } of all) {
    for (const name of ['package.json', 'tsconfig.build.json', 'tsup.config.ts', 'vite.config.ts', 'src'])
      add(join(root, folder, name));
  }
  return hash.digest('hex');
}

async function build(tasks) {
  const all = workspaces();
  const inputs = buildInputs(all);
  const present = all.every(
    ({ folder, manifest }) => !manifest.scripts?.['build:js'] || existsSync(join(root, folder, 'dist')),
  );
  const due = tasks.filter((task) => !present || read(buildStamp(task)) !== inputs);
  if (due.length === 0) return;
  await step('building', turbo(['run', ...due, '--output-logs=errors-only']));
  for (const task of due) stamp(buildStamp(task), inputs);
}

/** The native addon: built here where a compiler is; elsewhere its package says what is missing. */
async function buildAddon() {
  if (process.platform !== 'linux') return;
  const script = join(root, 'backends', 'native', 'scripts', 'build.mjs');
  const compiler = spawnSync('g++', ['--version'], { stdio: 'ignore' }).status === 0;
  if (!compiler && !process.env['CI']) {
    process.stderr.write('mirrorspace: no g++ here, so @mirrorspace/native goes without its addon\n');
    return;
  }
  // It says itself what it does, where there is something to do.
  const { code } = await run([process.execPath, [script]], { stdio: ['ignore', 2, 2] });
  if (code === 0) return;
  if (process.env['CI']) process.exit(1);
  process.stderr.write('mirrorspace: @mirrorspace/native goes without its addon; everything else works\n');
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 20)) {
  process.stderr.write(`mirrorspace: Node ${process.versions.node} is too old; install Node 20.20 or newer\n`);
  process.exit(1);
}
await install();
// Running needs the JavaScript only; declarations matter to those who check or publish.
if (!process.argv.includes('--install-only')) {
  await build(process.argv.includes('--types') ? ['build:js', 'build:types'] : ['build:js']);
  if (!process.argv.includes('--no-addon')) await buildAddon();
}
