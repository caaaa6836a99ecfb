import { main } from './broken/main.js';

/** At the root of the repository, see tools/repo/README.md. */
const results = new URL('../../../.results/', import.meta.url);

process.exitCode = await main(process.argv.slice(2), { results });
