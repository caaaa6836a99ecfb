// Builds the addon into addon/build; does nothing when its sources have not changed.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addon, builtIn, compile, inputs, kept, place } from './addon.mjs';

const stamp = join(addon, 'build', 'hash');
const built = builtIn(addon);
const hash = inputs();

if (!existsSync(built) || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== hash) {
  if (!existsSync(kept(hash))) {
    process.stderr.write('mirrorspace: building the addon …\n');
    compile(addon);
    place(built, kept(hash));
  }
  place(kept(hash), built);
  writeFileSync(stamp, hash);
}
