// Building the addon with node-gyp: what the scripts share.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);

/** The folder with the sources. */
export const addon = fileURLToPath(new URL('../addon', import.meta.url));

/** The addon as node-gyp leaves it in a folder. */
export const builtIn = (folder) => join(folder, 'build', 'Release', 'mirrorspace.node');

/** Paths of the sources, relative to their folder. */
export function sources() {
  return readdirSync(addon, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(cc|h|gyp)$/.test(path) && !/^(build|prebuilds|checked)/.test(path))
    .sort();
}

/** A hash of everything that makes one build differ from another. */
export function inputs(variant = '') {
  const hash = createHash('sha256');
  for (const path of sources()) hash.update(`${path}\0`).update(readFileSync(join(addon, path)));
  const { version } = require('node-addon-api/package.json');
  return hash.update(`${process.arch} ${process.versions.modules} ${version} ${variant}`).digest('hex');
}

/** Where Node's headers are on this machine, as node-gyp wants to be told; nothing: it fetches them. */
function headers() {
  const prefixes = [process.env.npm_config_nodedir, join(dirname(process.execPath), '..'), '/usr'];
  const major = new RegExp(`NODE_MAJOR_VERSION ${process.versions.node.split('.')[0]}\\b`);
  return prefixes.find((prefix) => {
    const header = prefix && join(prefix, 'include', 'node', 'node_version.h');
    return header && existsSync(header) && major.test(readFileSync(header, 'utf8'));
  });
}

/** Compilers for other machines than this one, as Debian names them. */
export const CROSS = { x64: 'x86_64-linux-gnu-', arm64: 'aarch64-linux-gnu-' };

/** Whether what builds for `arch` is here. */
export function buildsFor(arch) {
  return arch === process.arch || spawnSync(`${CROSS[arch]}g++`, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Compiles what is in `folder` for another machine. */
export function compileFor(arch, folder) {
  const [CC, CXX, AR] = ['gcc', 'g++', 'ar'].map((tool) => `${CROSS[arch]}${tool}`);
  compile(folder, { CC, CXX, AR, LINK: CXX, npm_config_arch: arch });
}

/** Compiles what is in `folder`. Ends the process with the compiler's output when it fails. */
export function compile(folder, env = {}) {
  const nodedir = headers();
  const gyp = join(dirname(require.resolve('node-gyp/package.json')), 'bin', 'node-gyp.js');
  const options = ['rebuild', '--directory', folder, '--jobs', '2', '--silent'];
  if (nodedir) options.push(`--nodedir=${nodedir}`);
  const how = { encoding: 'utf8', env: { ...process.env, ...env }, maxBuffer: 1 << 28 };
  const { status, stdout, stderr } = spawnSync(process.execPath, [gyp, ...options], how);
  if (status === 0) return;
  process.stderr.write(
    `${stdout}${stderr}\nmirrorspace: the addon does not build; it needs g++ 12 or newer, make and Python 3\n`,
  );
  process.exit(1);
}

/** Copies a file so that it is there whole or not at all, whoever does the same meanwhile. */
export function place(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, `${to}.${process.pid}`);
  renameSync(`${to}.${process.pid}`, to);
}

/** Where builds are kept by their hash, outside the work tree: a second clone only copies them. */
export function kept(hash) {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'mirrorspace', 'addon', hash, 'mirrorspace.node');
}

/** A copy of the sources in `folder`, to be compiled there. */
export function copySources(folder) {
  rmSync(folder, { recursive: true, force: true });
  for (const path of sources()) place(join(addon, path), join(folder, path));
}
