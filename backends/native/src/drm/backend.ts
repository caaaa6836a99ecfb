import { type Backend, type Device, DeviceNames, type FaultCompanion, MirrorError } from '@mirrorspace/core/driver';
import { findAddon } from '../addon/load.js';
import { checkNodeOptions } from '../device/node-options.js';
import { DrmDevice } from './device.js';
import { FRAME } from './frames.js';
import { cards, openNode, usableCards } from './nodes.js';

/** How a DRM device is opened. */
export interface DrmOptions {
  /** Its primary node, `/dev/dri/card*`. Default: the first that has what is needed. */
  readonly path?: string;
  /** Bytes of device memory, whole pages below 2 GiB. Default: 16 MiB. All of it is taken at once. */
  readonly memory?: number;
  /** Name among open devices. Default `drm:0`, `drm:1`, … */
  readonly name?: string;
}

const MEMORY = 16 << 20;
const LIMIT = 2 ** 31;
const REMEDY =
  'use a device whose driver has dumb buffers, PRIME and timeline syncobjs, such as virtio-gpu: tools/kernel-lab has one';
const names = new DeviceNames('drm');

/** The backend, and its part for the conformance suite. */
export interface DrmBackend extends Backend<DrmOptions> {
  /** What it offers to the suite beside the contract. */
  readonly conformance: Pick<FaultCompanion, 'lose'>;
}

/** The backend of DRM devices: any driver of the kernel with dumb buffers, PRIME and timeline syncobjs. */
export const drm: DrmBackend = {
  name: 'drm',

  conformance: {
    lose: (device: Device) => {
      if (!(device instanceof DrmDevice)) throw new TypeError('not a device of this backend');
      void device.lose('the conformance suite lost it');
    },
  },

  async probe() {
    const found = findAddon();
    if ('reason' in found) return { available: false, devices: [], reason: found.reason, remedy: found.remedy };
    const devices = usableCards();
    if (devices.length > 0) return { available: true, devices };
    const all = cards();
    const reason = all.length === 0 ? 'there is no /dev/dri/card*' : `${all.join(', ')} cannot be used`;
    return { available: false, devices, reason, remedy: REMEDY };
  },

  async open(options = {}) {
    checkNodeOptions(options, FRAME, LIMIT);
    const { path = usableCards()[0], memory = MEMORY, name: wanted } = options;
    if (path === undefined) throw new MirrorError('UNSUPPORTED', `there is no such DRM device; ${REMEDY}`);
    const { name, release } = names.take(wanted);
    try {
      const file = openNode(name, path);
      try {
        return new DrmDevice({ name, file, path, memory, release });
      } catch (error) {
        // With it goes all that was made there.
        file.close();
        throw error;
      }
    } catch (error) {
      release();
      throw error;
    }
  },
};
