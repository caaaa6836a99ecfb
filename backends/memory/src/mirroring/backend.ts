import {
  type AddressSpace,
  createSpace,
  type HostMemory,
  type ManagedMemoryOptions,
  type ReclaimOptions,
} from '@mirrorspace/core';
import {
  type Backend,
  type DeviceFeature,
  DeviceNames,
  type FaultCompanion,
  integerOption,
  parseBytes,
} from '@mirrorspace/core/driver';
import { MirroringDevice } from './device.js';
import { PROCESS_PAGE, SimulatedProcess } from './process.js';

/** How a device that mirrors the simulated process is opened. */
export interface MirroringOptions {
  /** Device memory: bytes, or text such as `'4 MiB'`; whole pages of 4096 bytes. Default 1 MiB. */
  readonly memory?: number | string;
  /** What it claims: `snapshots`, `advice`. Default both. */
  readonly features?: readonly DeviceFeature[];
  /** Name of the device. Default `mirroring:0`, `mirroring:1`, … */
  readonly name?: string;
}

const FEATURES: readonly DeviceFeature[] = ['snapshots', 'advice'];
const DEFAULT_MEMORY = 1 << 20;
const MOST_MEMORY = 2 ** 40;

/** There is one process, whatever mirrors it. */
const theProcess = new SimulatedProcess();
const names = new DeviceNames('mirroring');

/** The backend, and its part for the conformance suite. */
export interface MirroringBackend extends Backend<MirroringOptions> {
  /** What it offers to the suite beside the contract. */
  readonly conformance: Pick<FaultCompanion, 'lose'> & {
    /** Makes a space whose memory the device reaches. */
    space(options: { readonly addressBits: number; readonly reclaim?: ReclaimOptions }): Promise<AddressSpace>;
  };
}

/**
 * Host memory whose live regions are the simulated process's own, in pages of 4096 bytes: what the devices of {@link mirroring} reach. Their
 * buffers are those of whole regions.
 * @throws TypeError, RangeError for a bad limit
 */
export function simulatedMemory(options: Pick<ManagedMemoryOptions, 'limit'> = {}): HostMemory {
  if (typeof options !== 'object' || options === null)
    throw new TypeError('simulatedMemory takes an object of options');
  const { limit } = options;
  if (limit !== undefined && typeof limit !== 'number')
    throw new TypeError(`limit must be a number of bytes, got ${typeof limit}`);
  return theProcess.memory(limit === undefined ? {} : { limit });
}

/** Opens devices that mirror a process, both simulated: the contract of mirroring MMUs as something that runs. */
export const mirroring: MirroringBackend = {
  name: 'mirroring',

  conformance: {
    space: ({ addressBits, reclaim }) =>
      createSpace({ host: simulatedMemory(), addressBits, ...(reclaim !== undefined && { reclaim }) }),
    lose: (device) => {
      if (!(device instanceof MirroringDevice)) throw new TypeError('not a device of this backend');
      device.lose('the conformance suite lost it');
    },
  },

  async probe() {
    return { available: true, devices: ['a device that mirrors a simulated process'] };
  },

  async open(options = {}) {
    if (typeof options !== 'object' || options === null) throw new TypeError('open takes an object of options');
    const memory = integerOption('memory', parseBytes(options.memory ?? DEFAULT_MEMORY), PROCESS_PAGE, MOST_MEMORY);
    if (memory % PROCESS_PAGE !== 0)
      throw new RangeError(`memory must be whole pages of ${PROCESS_PAGE} bytes, got ${memory}`);
    const features = checkFeatures(options.features ?? FEATURES);
    if (options.name !== undefined && typeof options.name !== 'string')
      throw new TypeError(`name must be a string, got ${typeof options.name}`);
    const { name, release } = names.take(options.name);
    return new MirroringDevice(theProcess, { name, memory, features, release });
  },
};

function checkFeatures(features: readonly DeviceFeature[]): ReadonlySet<DeviceFeature> {
  if (!Array.isArray(features)) throw new TypeError(`features must be an array, got ${typeof features}`);
  for (const name of features as readonly unknown[])
    if (!FEATURES.includes(name as DeviceFeature))
      throw new RangeError(`features may be ${FEATURES.join(', ')}, got ${String(name)}`);
  return new Set(features);
}
