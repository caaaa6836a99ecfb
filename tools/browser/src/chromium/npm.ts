import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import type { Candidate } from './candidate.js';

const PACKAGE = '@sparticuz/chromium';

/**
 * The headless Chromium for Linux on x64 inside an npm package, with the libraries and fonts that it needs: taken out of their
 * archives once, into a cache beside the packages. `undefined` on other machines.
 */
export function npmChromium(): Candidate | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const folder = packageFolder();
  if (folder === undefined) return undefined;
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  const modules = folder.slice(0, folder.lastIndexOf('node_modules') + 'node_modules'.length);
  const home = join(modules, '.cache', 'mirrorspace', `chromium-${version}`);
  if (!existsSync(home)) setUp(join(folder, 'bin'), home);
  return {
    path: join(home, 'chromium'),
    origin: `${PACKAGE} ${version}`,
    env: { LD_LIBRARY_PATH: join(home, 'lib'), FONTCONFIG_FILE: join(home, 'fonts.conf') },
  };
}

function packageFolder(): string | undefined {
  return createRequire(import.meta.url)
    .resolve.paths(PACKAGE)
    ?.map((folder) => join(folder, PACKAGE))
    .find((folder) => existsSync(join(folder, 'bin', 'chromium.br')));
}

/** Whole at once: another process may do the same. */
function setUp(archives: string, home: string): void {
  mkdirSync(dirname(home), { recursive: true });
  const making = mkdtempSync(`${home}-`);
  const unpack = (name: string) => brotliDecompressSync(readFileSync(join(archives, name)));
  try {
    writeFileSync(join(making, 'chromium'), unpack('chromium.br'), { mode: 0o755 });
    for (const archive of ['swiftshader.tar.br', 'al2023.tar.br', 'fonts.tar.br'])
      execFileSync('tar', ['-x', '-C', making], { input: unpack(archive) });
    writeFileSync(join(making, 'fonts.conf'), fontsConf(join(home, 'fonts')));
    renameSync(making, home);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    if (!existsSync(home)) throw error;
  }
}

function fontsConf(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${folder}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
`;
}
