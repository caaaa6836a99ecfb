import { defineConfig } from 'tsup';
import { library } from '../../tsup.base.js';

export default defineConfig(
  library({ main: 'src/main.ts', guest: 'src/guest/main.ts' }, { removeNodeProtocol: false }),
);
