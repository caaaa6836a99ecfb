import { defineConfig } from 'tsup';
import { library } from '../../tsup.base.js';

export default defineConfig(
  library(['src/index.ts', 'src/engine-thread.ts', 'src/fault-thread.ts', 'src/hmm.ts', 'src/drm.ts']),
);
