import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import type { KernelSource } from './packages.js';
import { cacheFolder, packageRoot } from './root.js';
import { step } from './step.js';

/** Seconds that each part may take: on two busy processors. */
const UNPACK = 600;
const CONFIGURE = 300;
const COMPILE = 3600;

/** What is beside the kernel's own headers when the selftest is compiled. */
const HEADERS = ['-I.', '-Imm', '-idirafter', 'include', '-Itools/include'];

/** What a build changes when this changes. */
const RECIPE = '1';

/** A kernel that was built, with its modules and the kernel's own tests of the device. */
export interface Kernel {
  /** Folder of all of it. */
  readonly folder: string;
  /** The image to boot. */
  readonly image: string;
}

/**
 * The kernel for a source and our configuration: from the cache, or built now, which takes ten minutes or more on two processors.
 * @throws Error that says which part failed, or did not end in time
 */
export async function prepareKernel(source: KernelSource, log: string): Promise<Kernel> {
  const config = readFileSync(join(packageRoot(), 'kernel', 'config'), 'utf8');
  const hash = createHash('sha256').update(`${RECIPE}\n${config}`).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `${source.version.replace(/[^\w.+-]/g, '_')}-${hash}`);
  const kernel = { folder, image: join(folder, 'bzImage') };
  if (existsSync(kernel.image)) return kernel;
  console.log(`building the kernel ${source.version} into ${folder}: once, ten minutes or more`);
  mkdirSync(cacheFolder(), { recursive: true });
  removeAbandoned();
  // Whole at once: another process may do the same.
  const making = mkdtempSync(join(cacheFolder(), 'making-'));
  try {
    await build(source, config, making, log);
    renameSync(join(making, 'made'), folder);
  } catch (error) {
    if (!existsSync(kernel.image)) throw error;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return kernel;
}

/** What builds left that were ended from outside: older than any that goes on. */
function removeAbandoned(): void {
  const longest = 2 * (UNPACK + COMPILE) * 1000;
  for (const name of readdirSync(cacheFolder())) {
    const folder = join(cacheFolder(), name);
    if (name.startsWith('making-') && Date.now() - statSync(folder).mtimeMs > longest)
      rmSync(folder, { recursive: true, force: true });
  }
}

async function build(source: KernelSource, config: string, making: string, log: string): Promise<void> {
  const tree = join(making, 'source');
  const out = join(making, 'out');
  const made = join(making, 'made');
  for (const folder of [tree, out, made]) mkdirSync(folder);
  const run = (what: string, limit: number, ...command: string[]) => step(what, command, { limit, cwd: tree, log });
  await run('unpacking the kernel', UNPACK, 'tar', 'xf', source.archive, '--strip-components=1');
  const make = ['nice', 'make', '-j2', `O=${out}`];
  const wanted = join(packageRoot(), 'kernel', 'config');
  await run('configuring the kernel', CONFIGURE, ...make, `KCONFIG_ALLCONFIG=${wanted}`, 'allnoconfig');
  checkConfig(config, readFileSync(join(out, '.config'), 'utf8'));
  await run('compiling the kernel', COMPILE, ...make, 'bzImage', 'modules');
  await run('installing modules', CONFIGURE, ...make, `INSTALL_MOD_PATH=${made}`, 'modules_install');
  const test = join('tools', 'testing', 'selftests', 'mm', 'hmm-tests.c');
  const program = join(made, 'hmm-tests');
  await run(
    'compiling hmm-tests',
    CONFIGURE,
    'gcc',
    '-O2',
    '-D_GNU_SOURCE',
    ...HEADERS,
    '-o',
    program,
    test,
    '-lpthread',
  );
  // Last: where it is, all of it is.
  copyFileSync(join(out, 'arch', 'x86', 'boot', 'bzImage'), join(made, 'bzImage'));
}

/** The kernel's configuration drops what it does not know or what lacks something else, and says nothing. */
function checkConfig(wanted: string, got: string): void {
  const lines = new Set(got.split('\n'));
  const lost = wanted.split('\n').filter((line) => line.startsWith('CONFIG_') && !lines.has(line));
  if (lost.length > 0) throw new Error(`the kernel's configuration did not take ${lost.join(', ')}; see kernel/config`);
}
