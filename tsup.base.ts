import type { Options } from 'tsup';

/** What every package's JavaScript build has in common; declarations come from `tsc`. */
export function library(entry: string[], options: Options = {}): Options {
  return {
    entry,
    format: ['esm'],
    target: 'es2023',
    platform: 'node',
    sourcemap: true,
    clean: true,
    dts: false,
    silent: true,
    ...options,
  };
}
