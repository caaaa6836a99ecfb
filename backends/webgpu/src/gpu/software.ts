import {
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

const BLOCK = 512;
const LIBRARY = 'libvk_swiftshader.so';

/** A Dawn binding. */
interface Dawn {
  create(options: readonly string[]): GPU;
}

/**
 * WebGPU on the CPU, from npm packages alone: Dawn out of `webgpu`, SwiftShader out of `@sparticuz/chromium`. Dawn looks for a Vulkan
 * driver beside itself first, so both are put into one folder, once, in a cache. `undefined` where a package is missing or none is for this machine.
 */
export async function softwareGpu(require: NodeJS.Require): Promise<GPU | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const native = resolved(require, 'webgpu', 'dist/linux-x64/dawn.node');
  const archive = resolved(require, '@sparticuz/chromium', 'bin/swiftshader.tar.br');
  if (native === undefined || archive === undefined) return undefined;
  const dawn = require(join(setUp(native, archive), 'dawn.node')) as Dawn;
  const gpu = dawn.create([]);
  return (await gpu.requestAdapter()) === null ? undefined : gpu;
}

/** The file of a package, where both are there. */
function resolved(require: NodeJS.Require, name: string, path: string): string | undefined {
  for (const folder of require.resolve.paths(name) ?? []) {
    const file = join(folder, name, path);
    if (existsSync(file)) return file;
  }
  return undefined;
}

/** Puts Dawn and the driver side by side; returns the folder. Whole at once: another process may do the same. */
function setUp(native: string, archive: string): string {
  const versions = [native, archive].map((file) => readFileSync(packageOf(file), 'utf8'));
  const [dawn, chromium] = versions.map((text) => (JSON.parse(text) as { version: string }).version);
  const folder = join(cacheFolder(native), `software-adapter-${dawn}-${chromium}`);
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const making = mkdtempSync(`${folder}-`);
  try {
    writeFileSync(join(making, 'libvulkan.so.1'), extract(brotliDecompressSync(readFileSync(archive)), LIBRARY), {
      mode: 0o755,
    });
    copyFileSync(native, join(making, 'dawn.node'), constants.COPYFILE_FICLONE);
    renameSync(making, folder);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

function packageOf(file: string): string {
  let folder = dirname(file);
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return join(folder, 'package.json');
}

/** Beside the packages, or where everybody may write. */
function cacheFolder(native: string): string {
  const modules = native.slice(0, native.lastIndexOf('node_modules') + 'node_modules'.length);
  try {
    const folder = join(modules, '.cache', 'mirrorspace');
    mkdirSync(folder, { recursive: true });
    return folder;
  } catch {
    return join(tmpdir(), 'mirrorspace');
  }
}

/** The bytes of a file in a tar archive, by the last part of its name. */
function extract(tar: Buffer, name: string): Buffer {
  for (let at = 0; at + BLOCK <= tar.length;) {
    const entry = tar.toString('utf8', at, at + 100).replace(/\0.*$/s, '');
    if (entry === '') break;
    const size = parseInt(tar.toString('ascii', at + 124, at + 136), 8) || 0;
    if (entry === name || entry.endsWith(`/${name}`)) return tar.subarray(at + BLOCK, at + BLOCK + size);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  throw new Error(`no ${name} in the archive`);
}
