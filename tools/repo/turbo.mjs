// Runs turbo with the project's shared cache: `node tools/repo/turbo.mjs run build`.
import { run, turbo } from './workspaces.mjs';

const { code } = await run(turbo(process.argv.slice(2)));
process.exit(code);
