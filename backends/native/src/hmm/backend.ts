import { type Backend, type Device, DeviceNames, type FaultCompanion, MirrorError } from '@mirrorspace/core/driver';
import { type AddressSpace, createSpace, type ReclaimOptions } from '@mirrorspace/core';
import { addon, findAddon } from '../addon/load.js';
import { inTime } from '../device/in-time.js';
import { checkNodeOptions } from '../device/node-options.js';
import { mappedRanges } from '../process/mapped-ranges.js';
import { processMemory } from '../process/process-memory.js';
import { HMM_PAGE, isCoherent } from './abi.js';
import { HmmDevice } from './device.js';
import { NodeFile } from './node-file.js';
import { hmmNodes } from './nodes.js';
import { HmmFile } from './requests.js';

/** How the kernel's test device is opened. */
export interface HmmOptions {
  /** The device node. Default: one that is not open here yet, the first where all are. */
  readonly path?: string;
  /** Memory that the CPU does not reach, or does. Default: any. */
  readonly kind?: 'private' | 'coherent';
  /** Bytes of device memory that may be used, whole pages. Default: 256 MiB, one piece of the driver's. */
  readonly memory?: number;
  /** Name among open devices. Default `hmm:0`, `hmm:1`, … */
  readonly name?: string;
}

const MEMORY = 256 << 20;
const REMEDY = 'boot a kernel with CONFIG_TEST_HMM and CONFIG_DEVICE_PRIVATE, and load test_hmm: see tools/kernel-lab';
const names = new DeviceNames('hmm');

/** The backend, and its part for the conformance suite. */
export interface HmmBackend extends Backend<HmmOptions> {
  /** What it offers to the suite beside the contract. */
  readonly conformance: Pick<FaultCompanion, 'lose'> & {
    /** Makes a space whose memory the device reaches. */
    space(options: { readonly addressBits: number; readonly reclaim?: ReclaimOptions }): Promise<AddressSpace>;
  };
}

/** The backend of the kernel's own test device for heterogeneous memory, `lib/test_hmm.c`. It is not in kernels that people use. */
export const hmm: HmmBackend = {
  name: 'hmm',

  conformance: {
    space: ({ addressBits, reclaim }) =>
      createSpace({ host: processMemory(), addressBits, ...(reclaim !== undefined && { reclaim }) }),
    lose: (device: Device) => {
      if (!(device instanceof HmmDevice)) throw new TypeError('not a device of this backend');
      void device.lose('the conformance suite lost it');
    },
  },

  async probe() {
    const found = findAddon();
    if ('reason' in found) return { available: false, devices: [], reason: found.reason, remedy: found.remedy };
    const devices = hmmNodes();
    if (devices.length > 0) return { available: true, devices };
    return { available: false, devices, reason: 'there is no /dev/hmm_dmirror*', remedy: REMEDY };
  },

  async open(options = {}) {
    checkNodeOptions(options, HMM_PAGE);
    const { path, memory = MEMORY, kind } = options;
    if (kind !== undefined && kind !== 'private' && kind !== 'coherent')
      throw new TypeError(`kind must be 'private' or 'coherent', got ${String(kind)}`);
    const nodes = (path === undefined ? hmmNodes() : [path]).map((name) => NodeFile.of(name));
    nodes.sort((a, b) => a.uses - b.uses);
    const { name, release } = names.take(options.name);
    try {
      for (const node of nodes) {
        // In use from here on: what looking opens stays open for the device.
        node.begin();
        try {
          await inTime(name, `${node.path} to be closed by who had it before`, node.ready());
          node.coherent ??= await inTime(name, `a page to move to ${node.path}`, isCoherentNode(name, node));
          if (kind === undefined || node.coherent === (kind === 'coherent'))
            return new HmmDevice({ name, node, memory, release }, node.coherent);
        } finally {
          await inTime(name, `${node.path} to be closed`, node.end());
        }
      }
      const what = path ?? '/dev/hmm_dmirror*';
      throw new MirrorError('UNSUPPORTED', `there is no ${what}${kind ? ` with ${kind} memory` : ''}; ${REMEDY}`);
    } catch (error) {
      release();
      throw error;
    }
  },
};

/**
 * Moves a page there and looks where it is: a kernel without device memory says that it moved the page, and did not.
 * Resolves to whether the memory is coherent.
 * @throws MirrorError `UNSUPPORTED` where the page did not move, or the file is something else
 */
async function isCoherentNode(name: string, node: NodeFile): Promise<boolean> {
  const page = addon().Mapping.reserve(HMM_PAGE);
  mappedRanges.add(page);
  const file = new HmmFile(name, node);
  try {
    new Uint8Array(page.arrayBuffer(0, HMM_PAGE))[0] = 1;
    const moved = await file.migrate(page.address, 1, 'device');
    const told = new Uint8Array(1);
    await file.snapshot(page.address, told, true);
    if (moved === 1) return isCoherent(told[0]!);
    throw new MirrorError('UNSUPPORTED', `${node.path} moved no page into its memory; ${REMEDY}`, { device: name });
  } finally {
    await file.close();
    mappedRanges.remove(page);
    page.unmap();
  }
}
