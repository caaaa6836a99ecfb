import type { Backend, Device } from '@mirrorspace/core/driver';
import { MirrorError } from '@mirrorspace/core/driver';
import { MemoryDevice } from './device.js';
import { type MemoryOptions, resolveOptions } from './options.js';

const openNames = new Set<string>();

function freeName(): string {
  let number = 0;
  while (openNames.has(`memory:${number}`)) number++;
  return `memory:${number}`;
}

function own(device: Device): MemoryDevice {
  if (device instanceof MemoryDevice) return device;
  throw new TypeError('not a device of this backend');
}

/** Faults that no command can cause, for the conformance suite. */
export interface FaultCompanion {
  /** Makes a device fail by itself. */
  readonly lose: (device: Device) => void;
  /** Stops a device until it is closed. */
  readonly hang: (device: Device) => void;
}

/** The reference backend and its part for the conformance suite. */
export interface MemoryBackend extends Backend<MemoryOptions> {
  /** What it offers to the suite beside the contract. */
  readonly conformance: FaultCompanion;
}

/** Opens in-memory reference devices. */
export const memory: MemoryBackend = {
  name: 'memory',

  conformance: {
    lose: (device) => own(device).lose('the conformance suite lost it'),
    hang: (device) => own(device).hang(),
  },

  probe(options) {
    try {
      resolveOptions(options);
      return Promise.resolve({ available: true, devices: ['in-memory reference device'] });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return Promise.resolve({ available: false, devices: [], reason, remedy: 'Correct the options.' });
    }
  },

  async open(options) {
    const config = resolveOptions(options);
    const name = config.name ?? freeName();
    if (openNames.has(name)) {
      throw new MirrorError(
        'INVALID_ARGUMENT',
        `A device named ${name} is open already. Close it, or choose another name.`,
        { device: name },
      );
    }
    const device = new MemoryDevice(config, name, () => openNames.delete(name));
    openNames.add(name);
    return device;
  },
};
