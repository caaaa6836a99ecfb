import type { Backend } from '@mirrorspace/core';

/** What the demo asks of every backend. */
export interface DemoDeviceOptions {
  /** Device memory in bytes. */
  readonly memory: number;
  readonly seed: number;
}

/** The command line asks for something that cannot be had; ends the process with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Imports the package `@mirrorspace/<name>` and takes the backend it exports under its own name.
 * @throws UsageError when the package is not installed, or exports no such backend
 */
export async function loadBackend(name: string): Promise<Backend<DemoDeviceOptions>> {
  if (name === 'memory') return loadMemory();
  const packageName = `@mirrorspace/${name}`;
  const exports = await importPackage(packageName);
  const backend = exports[name] ?? exports['default'];
  if (!isBackend(backend)) throw new UsageError(`the package ${packageName} exports no backend named "${name}"`);
  return backend;
}

/** The backend that comes along. Simulated time passes on it: else everything in the trace would happen at once. */
async function loadMemory(): Promise<Backend<DemoDeviceOptions>> {
  const { memory, TYPICAL_LATENCY } = await import('@mirrorspace/memory');
  return {
    name: memory.name,
    probe: () => memory.probe(),
    open: (options) => memory.open({ ...options, latency: TYPICAL_LATENCY }),
  };
}

async function importPackage(packageName: string): Promise<Record<string, unknown>> {
  try {
    return (await import(packageName)) as Record<string, unknown>;
  } catch (error) {
    // A package that is there but misses one of its own dependencies is another trouble, and must be seen as it is.
    if (!isNotFound(error, packageName)) throw error;
    const name = packageName.slice(packageName.indexOf('/') + 1);
    throw new UsageError(`the backend "${name}" is not installed; install it with: npm install ${packageName}`, {
      cause: error,
    });
  }
}

function isNotFound(error: unknown, packageName: string): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === 'ERR_MODULE_NOT_FOUND' &&
    error.message.includes(`'${packageName}'`)
  );
}

function isBackend(value: unknown): value is Backend<DemoDeviceOptions> {
  return typeof value === 'object' && value !== null && 'open' in value && typeof value.open === 'function';
}
