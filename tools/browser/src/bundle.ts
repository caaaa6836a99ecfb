import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { packageRoot } from './root.js';

/** What a bundle is for. */
export type BundleFor = 'browser' | 'node';

/**
 * One script of a module and all of ours that it imports: packages as users get them, or their sources where this runs from
 * sources itself, as in tests. For `browser`, a Node built-in among them is an error; for `node`, packages of others are left to
 * be imported.
 */
export async function bundle(entry: string, platform: BundleFor = 'browser'): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform,
    format: 'esm',
    target: 'es2023',
    sourcemap: 'inline',
    logLevel: 'silent',
    // The paths of tsconfig.json lead to sources, and what a browser needs is not among them.
    tsconfigRaw: {},
    plugins: import.meta.url.endsWith('.ts') ? [sources(platform)] : [],
  });
  return outputFiles[0]!.text;
}

/** Takes our packages from their sources. */
function sources(platform: BundleFor): Plugin {
  const root = join(packageRoot(), '..', '..');
  const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.base.json'), 'utf8')) as {
    compilerOptions: { paths: Record<string, [string]> };
  };
  const gpu = platform === 'browser' ? 'find.ts' : 'find-node.ts';
  const paths: Record<string, string[]> = { ...compilerOptions.paths, '#find-gpu': [`backends/webgpu/src/gpu/${gpu}`] };
  return {
    name: 'sources',
    setup(all) {
      all.onResolve({ filter: /^(@mirrorspace\/|#find-gpu$)/ }, ({ path }) => {
        const [file] = paths[path] ?? [];
        return file === undefined ? undefined : { path: join(root, file) };
      });
    },
  };
}
