// Installs the tarball into an empty folder, as a user does on a machine without a compiler, and has it probe there.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'mirrorspace-tarball-'));

function run(command, args, options = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', cwd: folder, ...options });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

const npm = (args, cwd = folder) => {
  const cli = process.env.npm_execpath;
  const start = cli && /\.c?js$/.test(cli) ? [process.execPath, [cli]] : ['npm', []];
  return run(start[0], [...start[1], ...args, '--no-json', '--silent'], { cwd });
};

try {
  for (const name of ['packages/core', 'backends/native']) {
    npm(['pack', '--ignore-scripts', '--pack-destination', folder], join(root, name));
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const tarballs = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  npm(['install', '--prefer-offline', '--no-audit', '--no-fund', ...tarballs.map((name) => `./${name}`)]);
  writeFileSync(
    join(folder, 'probe.js'),
    `import { probe } from '@mirrorspace/native';\nconsole.log(JSON.stringify(probe()));\n`,
  );
  const report = JSON.parse(run(process.execPath, ['probe.js'], { env: { PATH: dirname(process.execPath) } }));
  if (!report.available) throw new Error(`the installed package has no addon: ${report.reason}`);
  console.log(`✓ @mirrorspace/native loads from its tarball; writes are tracked by: ${report.tracking}`);
} catch (error) {
  console.log(`✗ @mirrorspace/native from its tarball\n${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
