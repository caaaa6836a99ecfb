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
      { find: /^@mirrorspace\/memory\/mirroring$/, replacement: `${root}backends/memory/src/mirroring.ts` },
      { find: /^@mirrorspace\/webgpu$/, replacement: source('backends/webgpu') },
      { find: /^@mirrorspace\/webgpu\/structs$/, replacement: `${root}backends/webgpu/src/structs.ts` },
      { find: /^@mirrorspace\/native$/, replacement: source('backends/native') },
      { find: /^@mirrorspace\/native\/hmm$/, replacement: `${root}backends/native/src/hmm.ts` },
      { find: /^@mirrorspace\/native\/drm$/, replacement: `${root}backends/native/src/drm.ts` },
      { find: /^@mirrorspace\/browser$/, replacement: source('tools/browser') },
      { find: /^@mirrorspace\/lab$/, replacement: source('tools/lab') },
      { find: /^#find-gpu$/, replacement: `${root}backends/webgpu/src/gpu/find-node.ts` },
      { find: /^mirrorspace$/, replacement: source('packages/cli') },
      { find: /^mirrorspace\/raytracer$/, replacement: `${root}packages/cli/src/raytracer/index.ts` },
    ],
  },
  test: {
    reporters: process.env['CI'] ? ['default', `${root}tools/repo/reporter.mjs`] : ['default'],
    projects: workspaces.map((folder) => ({
      extends: true as const,
      test: {
        name: folder.slice(folder.indexOf('/') + 1),
        root: root + folder,
        include: ['test/**/*.test.ts'],
        // These say that something hangs, not that a machine is slow: everything runs at once, on whatever cores there are.
        testTimeout: 120_000,
        hookTimeout: 120_000,
      },
    })),
  },
});
