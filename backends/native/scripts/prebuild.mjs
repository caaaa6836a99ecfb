// Makes the addon for the tarball: `prebuilds/linux-<arch>/mirrorspace.glibc.node`, which node-gyp-build finds on machines without a
// compiler. One build is for all versions of Node. It needs the glibc and the libstdc++ of the machine that built it, or newer ones.
// For the other architecture it builds where its compiler is: Debian's g++-aarch64-linux-gnu.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import './build.mjs';
import { addon, builtIn, buildsFor, compileFor, copySources, CROSS, inputs, kept, place } from './addon.mjs';

for (const arch of ['x64', 'arm64']) {
  if (!buildsFor(arch)) {
    process.stderr.write(`mirrorspace: no ${CROSS[arch]}g++ here, so there is no prebuild for linux-${arch}\n`);
    continue;
  }
  let built = builtIn(addon);
  if (arch !== process.arch) {
    built = kept(inputs(`for ${arch}`));
    if (!existsSync(built)) {
      const folder = join(addon, 'checked');
      process.stderr.write(`mirrorspace: building the addon for linux-${arch} …\n`);
      copySources(folder);
      compileFor(arch, folder);
      place(builtIn(folder), built);
    }
  }
  const prebuilt = join(addon, 'prebuilds', `linux-${arch}`, 'mirrorspace.glibc.node');
  place(built, prebuilt);
  const strip = arch === process.arch ? 'strip' : `${CROSS[arch]}strip`;
  const { status } = spawnSync(strip, ['--strip-unneeded', prebuilt], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}
