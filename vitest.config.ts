import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));

const workspaces = ['packages', 'backends', 'examples', 'tools'].flatMap((group) =>
  readdirSync(`${root}${group}`)
    .map((name) => `${group}/${name}`)
    .filter((folder) => existsSync(`${root}${folder}/package.json`)),
);

const source = (path: string) => `${root}${path}/src/index.ts`;

export default defineConfig({
  // Tests run on the sources: no build stands between an edit and its test.
  resolve: {
    alias: [
      { find: /^@mirrorspace\/core$/, replacement: source('packages/core') },
      { find: /^@mirrorspace\/core\/driver$/, replacement: `${root}packages/core/src/vendor.ts` },
      { find: /^@mirrorspace\/conformance$/, replacement: source('packages/conformance') },
      { find: /^@mirrorspace\/memory$/, replacement: source('backends/memory') },
      { find: /^@mirrorspace\/webgpu$/, replacement: source('backends/webgpu') },
      { find: /^@mirrorspace\/webgpu\/structs$/, replacement: `${root}backends/webgpu/src/structs.ts` },
      { find: /^@mirrorspace\/browser$/, replacement: source('tools/browser') },
      { find: /^#find-gpu$/, replacement: `${root}backends/webgpu/src/gpu/find-node.ts` },
      { find: /^mirrorspace$/, replacement: source('packages/cli') },
      { find: /^mirrorspace\/raytracer$/, replacement: `${root}packages/cli/src/raytracer/index.ts` },
    ],
  },
  test: {
    reporters: process.env['CI'] ? ['default', ['json', { outputFile: `${root}.results/unit.json` }]] : ['default'],
    projects: workspaces.map((folder) => ({
      extends: true as const,
      test: {
        name: folder.slice(folder.indexOf('/') + 1),
        root: root + folder,
        include: ['test/**/*.test.ts'],
        // A software adapter and a browser take their time where everything runs at once.
        ...(folder === 'backends/webgpu' && { testTimeout: 30_000 }),
        ...(/browser|webgpu-(worker|page)/.test(folder) && { testTimeout: 120_000 }),
      },
    })),
  },
});
