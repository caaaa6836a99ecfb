import type { Options } from 'tsup';

/** What every package's JavaScript build has in common; declarations come from `tsc`. */
export function library(entry: string[] | Record<string, string>, options: Options = {}): Options {
  return {
    entry,
    format: ['esm'],
    target: 'es2023',
    platform: 'node',
    sourcemap: true,
    // Declarations share the folder and are another task's output.
    clean: ['!**/*.d.ts', '!**/*.d.ts.map'],
    dts: false,
    silent: true,
    ...options,
  };
}
