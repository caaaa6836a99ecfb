import { type Device, type Fence, MirrorError, type Program } from '../driver/index.js';

/** How a program is launched. */
export interface LaunchOptions {
  /** Numbers the program gets, addresses for example. Default none. */
  readonly args?: readonly number[];
  /** Work units in each dimension, each ≥ 1. Default one unit. */
  readonly grid?: readonly [x: number, y?: number, z?: number];
  /** Id of the user queue. Default: the first. */
  readonly queue?: number;
  /** Starts after these. */
  readonly after?: readonly Fence[];
  /** Ranges it reads, as `[address, bytes]`: brought before it starts rather than by faults. */
  readonly reads?: readonly (readonly [address: number, bytes: number])[];
  /** Ranges it writes, as `[address, bytes]`. */
  readonly writes?: readonly (readonly [address: number, bytes: number])[];
  /**
   * `reads` and `writes` are all that it accesses. A device that has to try whether pages are there, before a unit may take effect, need
   * not do so where all of them are, and may take all of `writes` for written; a unit that reaches beyond may fail the launch with
   * `PROGRAM`. Default `false`.
   */
  readonly exact?: boolean;
}

/** Options with defaults filled in. */
export interface CheckedLaunch {
  readonly args: readonly number[];
  readonly grid: readonly [number, number, number];
  readonly queue: number | undefined;
  readonly after: readonly Fence[];
  readonly reads: readonly (readonly [number, number])[];
  readonly writes: readonly (readonly [number, number])[];
  readonly exact: boolean;
}

/** @throws TypeError, RangeError; MirrorError `UNSUPPORTED` when the device does not run the program's language */
export function checkLaunch(device: Device, program: Program, options: LaunchOptions): CheckedLaunch {
  if (typeof program !== 'object' || program === null || typeof program.language !== 'string')
    throw new TypeError('a program needs a language');
  if (!device.features.has(`program:${program.language}`)) {
    const languages = Array.from(device.features).filter((feature) => feature.startsWith('program:'));
    throw new MirrorError(
      'UNSUPPORTED',
      `${device.info.name} runs no ${program.language} programs; it runs ${languages.join(', ') || 'none'}`,
      { device: device.info.name },
    );
  }
  if (program.language === 'js' && (!('run' in program) || typeof program.run !== 'function'))
    throw new TypeError('a js program needs a function run(ctx, id, args)');
  const { args = [], grid = [1], queue, after = [], reads = [], writes = [], exact = false } = options;
  if (typeof exact !== 'boolean') throw new TypeError(`exact must be a boolean, got ${typeof exact}`);
  for (const arg of args) if (typeof arg !== 'number') throw new TypeError(`args must be numbers, got ${typeof arg}`);
  const [x, y = 1, z = 1] = grid;
  for (const size of [x, y, z]) {
    if (typeof size !== 'number') throw new TypeError(`grid sizes must be numbers, got ${typeof size}`);
    if (!Number.isSafeInteger(size) || size < 1)
      throw new RangeError(`grid sizes must be integers ≥ 1, got ${String(size)}`);
  }
  if (x * y * z > Number.MAX_SAFE_INTEGER) throw new RangeError(`${x * y * z} work units are more than can be counted`);
  for (const fence of after)
    if (typeof fence !== 'object' || fence === null || typeof fence.wait !== 'function')
      throw new TypeError('after must hold fences only');
  if (queue !== undefined && !device.queues.some((candidate) => candidate.id === queue && !candidate.paging)) {
    throw new RangeError(`${device.info.name} has no user queue ${String(queue)}`);
  }
  return { args: Array.from(args), grid: [x, y, z], queue, after, reads, writes, exact };
}
