import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findBackend, type TestedBackend } from '../backend.js';

/**
 * Loads a backend by path or by package name, as seen from the current folder.
 * @throws RangeError that says what was looked for and where.
 */
export async function loadBackend(specifier: string): Promise<TestedBackend> {
  const file = resolve(specifier);
  const isPath = /^[./\\]/.test(specifier) || existsSync(file);
  let module: object;
  try {
    module = (await import(isPath ? pathToFileURL(file).href : locate(specifier))) as object;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new RangeError(
      isPath
        ? `cannot load the backend from ${file}: ${cause}`
        : `cannot load the package ${specifier} from ${process.cwd()}: ${cause}. Install it with: npm install ${specifier}`,
      { cause: error },
    );
  }
  return findBackend(module);
}

/** Packages without a `require` condition cannot be resolved by `createRequire`; those are left to `import`. */
function locate(specifier: string): string {
  try {
    return pathToFileURL(createRequire(resolve('package.json')).resolve(specifier)).href;
  } catch {
    return specifier;
  }
}
