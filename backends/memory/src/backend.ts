import type { Backend, Device, FaultCompanion } from '@mirrorspace/core/driver';
import { DeviceNames } from '@mirrorspace/core/driver';
import { MemoryDevice } from './device.js';
import { type MemoryOptions, resolveOptions } from './options.js';

const names = new DeviceNames('memory');

function own(device: Device): MemoryDevice {
  if (device instanceof MemoryDevice) return device;
  throw new TypeError('not a device of this backend');
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
    const { name, release } = names.take(config.name);
    try {
      return new MemoryDevice(config, name, release);
    } catch (error) {
      release();
      throw error;
    }
  },
};
