import { integerOption, parseBytes, powerOfTwoOption } from '@mirrorspace/core/driver';
import { MOST_LISTED } from './wgsl/control.js';

/** How a WebGPU device is opened. */
export interface WebgpuOptions {
  /** Bytes of device memory, or text such as `'256 MiB'`. Default 64 MiB. */
  readonly memory?: number | string;
  /** Most bytes of one GPU buffer, a power of two of at least 2 MiB; more memory lies in several. Default: what the adapter allows, up to 512 MiB. */
  readonly largestBuffer?: number;
  /** Page sizes in bytes, powers of two from 4096 to 2 MiB. Default 4096, 65,536 and 2 MiB. */
  readonly pageSizes?: readonly number[];
  /** Bits of a virtual address, 32 to 47. Up to 34 (the default), programs address words by `u32`; above, bytes by `vec2u`. */
  readonly addressBits?: number;
  /** User queues of normal priority, 1 to 64; one of high and one of low priority come on top. Default 2. */
  readonly queues?: number;
  /** Entries of the fault buffer, 1 to 65,536. Default 1024. */
  readonly faultBuffer?: number;
  /** Work units that may be in flight at once, 1 to 16,000. Default 16,000. */
  readonly residentUnits?: number;
  /** Where adapters come from: `navigator.gpu`, or what another implementation offers. Default: what is found. */
  readonly gpu?: GPU;
  /** An open WebGPU device to share; it stays open when this one is closed. */
  readonly device?: GPUDevice;
  /** Which adapter to ask for, where there are several. */
  readonly adapter?: GPURequestAdapterOptions;
  /** What is asked of the adapter beyond the limits that WebGPU guarantees, as for `requestDevice`. Default: all that it has of what limits memory. */
  readonly requiredLimits?: Readonly<Record<string, number>>;
  /** Names the device. Default `webgpu:0`, `webgpu:1` … */
  readonly name?: string;
}

/** Options with defaults filled in. */
export interface WebgpuConfig {
  readonly memory: number;
  readonly largestBuffer: number;
  readonly pageSizes: readonly number[];
  readonly addressBits: number;
  readonly queues: number;
  readonly faultBuffer: number;
  readonly residentUnits: number;
  readonly name: string | undefined;
}

/** Checks options and fills in the defaults. @throws TypeError, RangeError */
export function resolveOptions(options: WebgpuOptions = {}): WebgpuConfig {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`options must be an object, got ${String(options)}`);
  const asked: unknown = options.pageSizes ?? [4096, 65_536, 2 * 1024 * 1024];
  if (!Array.isArray(asked) || asked.length === 0)
    throw new TypeError('pageSizes must be an array of at least one page size');
  const pageSizes = [...new Set(asked as number[])].sort((a, b) => a - b);
  for (const size of pageSizes) powerOfTwoOption('pageSizes', size, 4096, 2 * 1024 * 1024);
  const smallest = pageSizes[0]!;
  const memory = integerOption(
    'memory',
    parseBytes(options.memory ?? 64 * 2 ** 20),
    smallest,
    2 ** 34 - pageSizes.at(-1)!,
  );
  if (options.name !== undefined && typeof options.name !== 'string') throw new TypeError('name must be a string');
  checkLimits(options.requiredLimits);
  return {
    memory: Math.floor(memory / smallest) * smallest,
    largestBuffer: powerOfTwoOption('largestBuffer', options.largestBuffer ?? 2 ** 29, 2 ** 21, 2 ** 32),
    pageSizes,
    addressBits: integerOption('addressBits', options.addressBits ?? 34, 32, 47),
    queues: integerOption('queues', options.queues ?? 2, 1, 64),
    faultBuffer: integerOption('faultBuffer', options.faultBuffer ?? 1024, 1, 65_536),
    residentUnits: integerOption('residentUnits', options.residentUnits ?? MOST_LISTED, 1, MOST_LISTED),
    name: options.name,
  };
}

/** What they are called, and whether the adapter has so much, WebGPU says. */
function checkLimits(limits: unknown): void {
  if (limits === undefined) return;
  if (typeof limits !== 'object' || limits === null)
    throw new TypeError('requiredLimits must be an object of numbers by name');
  for (const [name, value] of Object.entries(limits))
    if (typeof value !== 'number') throw new TypeError(`requiredLimits.${name} must be a number, got ${typeof value}`);
}
