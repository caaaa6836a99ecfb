import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('src'),
  // Works wherever it is put, also in a folder of a site.
  base: './',
  // In this repository packages are taken from their sources, so that nothing must be built first. With packages from npm none of this is needed.
  resolve: {
    alias: [
      { find: /^@mirrorspace\/core$/, replacement: here('../../packages/core/src/index.ts') },
      { find: /^@mirrorspace\/core\/driver$/, replacement: here('../../packages/core/src/vendor.ts') },
      { find: /^@mirrorspace\/webgpu$/, replacement: here('../../backends/webgpu/src/index.ts') },
      { find: /^#find-gpu$/, replacement: here('../../backends/webgpu/src/gpu/find.ts') },
      { find: /^mirrorspace\/raytracer$/, replacement: here('../../packages/cli/src/raytracer/index.ts') },
    ],
  },
  // `using` is not in every browser that has WebGPU.
  oxc: { target: 'es2023' },
  worker: { format: 'es' },
  optimizeDeps: { include: ['mirrorspace > bunny'] },
  build: { outDir: here('dist'), emptyOutDir: true, target: 'es2023', sourcemap: true },
});
