import type { Backend, Device, FaultCompanion } from '@mirrorspace/core/driver';
import { DeviceNames, MirrorError } from '@mirrorspace/core/driver';
import { NativeDevice } from './device.js';
import { Layout, WASM_PAGE } from './layout.js';
import { modulesFor } from './modules.js';
import { type NativeOptions, resolveOptions } from './options.js';
import { shapeOf } from './shape.js';
import { Shared } from './shared.js';

const names = new DeviceNames('native');

/** The backend of devices in this process, and its part for the conformance suite. */
export interface NativeBackend extends Backend<NativeOptions> {
  /** What it offers to the suite beside the contract. */
  readonly conformance: FaultCompanion;
}

/** Opens devices that run in threads of this process: with page tables, faults and programs in WebAssembly. */
export const native: NativeBackend = {
  name: 'native',

  conformance: {
    lose: (device) => nativeDevice(device).lose('the conformance suite lost it'),
    hang: (device) => nativeDevice(device).hang(),
  },

  probe(options) {
    try {
      resolveOptions(options);
      return Promise.resolve({ available: true, devices: ['threads of this process'] });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return Promise.resolve({ available: false, devices: [], reason, remedy: 'Correct the options.' });
    }
  },

  async open(options) {
    const config = resolveOptions(options);
    const { name, release } = names.take(config.name);
    try {
      const shape = shapeOf(config);
      const layout = new Layout(shape);
      const pages = layout.framesBytes / WASM_PAGE;
      const modules = await modulesFor(shape, pages);
      const shared = new Shared(shape, createMemory(layout.bytes / WASM_PAGE), createMemory(pages));
      return new NativeDevice(config, name, shared, modules, release);
    } catch (error) {
      release();
      throw refusal(error);
    }
  },
};

/** An error of Node or V8 for want of something, as one that says what to do. Others are returned as they are. */
function refusal(cause: unknown): unknown {
  if (cause instanceof MirrorError || !(cause instanceof Error)) return cause;
  if ('code' in cause && cause.code === 'ERR_WORKER_INIT_FAILED') {
    const text = `the system starts no more threads (${cause.message}); raise \`ulimit -u\` or \`ulimit -n\`, or open the device with fewer units`;
    return new MirrorError('OUT_OF_HOST_MEMORY', text, { cause });
  }
  if (!/out of memory|cannot allocate/i.test(cause.message)) return cause;
  const text = `the process has no address space for WebAssembly (${cause.message}); raise \`ulimit -v\``;
  return new MirrorError('OUT_OF_HOST_MEMORY', text, { cause });
}

/** Memory is reserved at once, and costs nothing until it is used. @throws MirrorError `OUT_OF_HOST_MEMORY` */
function createMemory(pages: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    const text = `the process has no address space for ${pages * WASM_PAGE} bytes; open the device with less memory, or raise the limit`;
    throw new MirrorError('OUT_OF_HOST_MEMORY', text, { cause });
  }
}

function nativeDevice(device: Device): NativeDevice {
  if (device instanceof NativeDevice) return device;
  throw new TypeError('not a device of this backend');
}
