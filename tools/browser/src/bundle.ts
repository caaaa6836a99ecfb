import { build } from 'esbuild';

/**
 * One script of a module and all that it imports, packages as users get them. For `browser`, a Node built-in among them is an
 * error; for `node`, packages are left to be imported.
 */
export async function bundle(entry: string, platform: 'browser' | 'node' = 'browser'): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform,
    format: 'esm',
    target: 'es2023',
    sourcemap: 'inline',
    logLevel: 'silent',
    // The paths of tsconfig.json lead to the sources of packages.
    tsconfigRaw: {},
    ...(platform === 'node' && { packages: 'external' as const }),
  });
  return outputFiles[0]!.text;
}
