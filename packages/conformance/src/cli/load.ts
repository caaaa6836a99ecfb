import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findBackend, type HostMaker, type TestedBackend } from '../backend.js';

/**
 * Loads a backend by path or by package name, as seen from the current folder.
 * @throws RangeError that says what was looked for and where.
 */
export async function loadBackend(specifier: string): Promise<TestedBackend> {
  return findBackend(await load(specifier, 'the backend'));
}

/**
 * Loads the function that makes host memory: `module#export`, or the module's default export.
 * @throws RangeError that says what was looked for and where.
 */
export async function loadHost(specifier: string): Promise<HostMaker> {
  const [name = '', chosen = 'default'] = specifier.split('#');
  const module = await load(name, 'the host memory');
  const made: unknown = Reflect.get(module, chosen);
  if (typeof made === 'function') return made as HostMaker;
  throw new RangeError(
    `${name} exports no function ${chosen} that makes host memory; it exports ${Object.keys(module).join(', ') || 'nothing'}`,
  );
}

async function load(specifier: string, what: string): Promise<object> {
  const file = resolve(specifier);
  const isPath = /^[./\\]/.test(specifier) || existsSync(file);
  try {
    return (await import(isPath ? pathToFileURL(file).href : locate(specifier))) as object;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new RangeError(
      isPath
        ? `cannot load ${what} from ${file}: ${cause}`
        : `cannot load the package ${specifier} from ${process.cwd()}: ${cause}. Install it with: npm install ${specifier}`,
      { cause: error },
    );
  }
}

/** Packages without a `require` condition cannot be resolved by `createRequire`; those are left to `import`. */
function locate(specifier: string): string {
  try {
    return pathToFileURL(createRequire(resolve('package.json')).resolve(specifier)).href;
  } catch {
    return specifier;
  }
}
