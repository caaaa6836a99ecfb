import { createRequire } from 'node:module';
import { softwareGpu } from './software.js';

/** A Dawn binding: the package `webgpu`, or its native module by itself. */
interface Dawn {
  create(options: readonly string[]): GPU;
  readonly globals: object;
}

let found: Promise<GPU | undefined> | undefined;

/** WebGPU in Node: a global one, the package `webgpu` where it finds an adapter, else a software adapter from npm packages. */
export function findGpu(): Promise<GPU | undefined> {
  return (found ??= search());
}

async function search(): Promise<GPU | undefined> {
  const { gpu } = (globalThis.navigator ?? {}) as { gpu?: GPU };
  if (gpu !== undefined) return gpu;
  const require = createRequire(import.meta.url);
  let packaged: GPU | undefined;
  try {
    const dawn = require('webgpu') as Dawn;
    packaged = dawn.create([]);
    if ((await packaged.requestAdapter()) !== null) return packaged;
  } catch {
    // Not installed, or not for this machine.
  }
  return (await softwareGpu(require)) ?? packaged;
}
