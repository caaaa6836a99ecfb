import { defineConfig } from 'tsup';
import { library } from '../../tsup.base.js';

export default defineConfig([
  library(['src/index.ts', 'src/structs.ts'], { platform: 'neutral', external: ['#find-gpu'] }),
  library(['src/gpu/find.ts', 'src/gpu/find-node.ts'], { clean: false }),
]);
