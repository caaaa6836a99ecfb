import { availableParallelism } from 'node:os';
import { integerOption, parseBytes, powerOfTwoOption } from '@mirrorspace/core/driver';

/** Frames, and behind them what the units keep, share 4 GiB. */
const MOST_MEMORY = 2 ** 32 - 2 ** 28;
const LARGEST_PAGE = 2 * 1024 * 1024;

/** How a device in this process is opened. */
export interface NativeOptions {
  /** Bytes of device memory, up to 3.75 GiB, or text such as `'256 MiB'`. Default 64 MiB. */
  readonly memory?: number | string;
  /** Compute units, that is threads, for each user queue, 1 to 64: so many work units of a launch are in flight. They start with the first launch. Default: the processors, at least 2 and at most 8. */
  readonly units?: number;
  /** Page sizes in bytes, powers of two from 4096 to 2 MiB, at most four. Default 4096, 65,536 and 2 MiB. */
  readonly pageSizes?: readonly number[];
  /** Bits of a virtual address, 32 to 47. Default 47. */
  readonly addressBits?: number;
  /** User queues of normal priority, 1 to 16; one of high and one of low priority come on top. Default 2. */
  readonly queues?: number;
  /** Entries of the fault buffer, 1 to 65,536. Default 1024. */
  readonly faultBuffer?: number;
  /** Milliseconds that a work unit may run without ending or waiting for a page; then its launch fails. Default 10,000. */
  readonly unitMs?: number;
  /** Names the device. Default `native:0`, `native:1` … */
  readonly name?: string;
}

/** Options with defaults filled in. */
export interface NativeConfig {
  readonly memory: number;
  readonly units: number;
  readonly pageSizes: readonly number[];
  readonly addressBits: number;
  readonly queues: number;
  readonly faultBuffer: number;
  readonly unitMs: number;
  readonly name: string | undefined;
}

/** Checks options and fills in the defaults. @throws TypeError, RangeError */
export function resolveOptions(options: NativeOptions = {}): NativeConfig {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`options must be an object, got ${String(options)}`);
  const asked: unknown = options.pageSizes ?? [4096, 65_536, LARGEST_PAGE];
  if (!Array.isArray(asked) || asked.length === 0 || asked.length > 4)
    throw new TypeError('pageSizes must be an array of one to four page sizes');
  const pageSizes = [...new Set(asked as number[])].sort((a, b) => a - b);
  for (const size of pageSizes) powerOfTwoOption('pageSizes', size, 4096, LARGEST_PAGE);
  const smallest = pageSizes[0]!;
  const memory = integerOption('memory', parseBytes(options.memory ?? 64 * 2 ** 20), smallest, MOST_MEMORY);
  if (options.name !== undefined && typeof options.name !== 'string') throw new TypeError('name must be a string');
  return {
    memory: Math.floor(memory / smallest) * smallest,
    units: integerOption('units', options.units ?? Math.min(8, Math.max(2, availableParallelism())), 1, 64),
    pageSizes,
    addressBits: integerOption('addressBits', options.addressBits ?? 47, 32, 47),
    queues: integerOption('queues', options.queues ?? 2, 1, 16),
    faultBuffer: integerOption('faultBuffer', options.faultBuffer ?? 1024, 1, 65_536),
    unitMs: integerOption('unitMs', options.unitMs ?? 10_000, 1, 2 ** 31),
    name: options.name,
  };
}
