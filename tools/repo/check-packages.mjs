// Packs every published package and checks the tarball as users get it: publint and are-the-types-wrong (ESM only).
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { npm, root, run, workspaces } from './workspaces.mjs';

const attw = join(root, 'node_modules', '.bin', 'attw');
const folder = mkdtempSync(join(tmpdir(), 'mirrorspace-pack-'));
let failed = false;

async function check(pkg) {
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  const { code, output } = await run(npm(pack), { cwd: join(root, pkg.folder), stdio: 'capture' });
  if (code !== 0) return [output];
  const tarball = join(folder, `${pkg.manifest.name.replace('@', '').replace('/', '-')}-${pkg.manifest.version}.tgz`);
  const bytes = readFileSync(tarball);
  const data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages } = await publint({ pack: { tarball: data }, strict: true });
  const problems = messages.map((message) => formatMessage(message, pkg.manifest) ?? message.code);
  const types = await run([attw, [tarball, '--profile', 'esm-only', '--no-emoji']], { stdio: 'capture' });
  if (types.code !== 0) problems.push(types.output);
  return problems;
}

try {
  for (const pkg of workspaces().filter(({ manifest }) => manifest.private !== true)) {
    const problems = await check(pkg);
    console.log(`${problems.length === 0 ? '✓' : '✗'} ${pkg.manifest.name}`);
    for (const problem of problems) console.log(problem);
    failed ||= problems.length > 0;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
