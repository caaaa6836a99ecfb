import type { Backend, Device, FaultCompanion } from '@mirrorspace/core/driver';
import { DeviceNames, MirrorError } from '@mirrorspace/core/driver';
import { PagedDevice } from './device.js';
import { findGpu } from '#find-gpu';
import type { WebgpuDevice } from './webgpu-device.js';
import { resolveOptions, type WebgpuOptions } from './options.js';

const names = new DeviceNames('webgpu');

/** The WebGPU backend and its part for the conformance suite. */
export interface WebgpuBackend extends Backend<WebgpuOptions> {
  open(options?: WebgpuOptions): Promise<WebgpuDevice>;
  /** What it offers to the suite beside the contract. */
  readonly conformance: FaultCompanion;
}

const REMEDY =
  'Pass { gpu } or { device }; in a browser, use one with WebGPU on a secure page; in Node, install the package webgpu, and without a GPU @sparticuz/chromium for the software adapter.';

/** Opens WebGPU devices. */
export const webgpu: WebgpuBackend = {
  name: 'webgpu',

  conformance: {
    lose: (device) => pagedDevice(device).lose('the conformance suite lost it'),
    hang: (device) => pagedDevice(device).hang(),
  },

  async probe(options = {}) {
    try {
      resolveOptions(options);
      const adapter = await findAdapter(options);
      return { available: true, devices: [describe(adapter)] };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { available: false, devices: [], reason, remedy: REMEDY };
    }
  },

  async open(options = {}) {
    const config = resolveOptions(options);
    const { name, release: giveBack } = names.take(config.name);
    const shared = options.device;
    let own: GPUDevice | undefined;
    const release = () => {
      giveBack();
      own?.destroy();
    };
    try {
      const adapter = shared === undefined ? await findAdapter(options) : undefined;
      own = await requestDevice(adapter, options);
      const description = adapter === undefined ? 'a shared WebGPU device' : describe(adapter);
      return await PagedDevice.open(config, name, description, (shared ?? own)!, shared !== undefined, release);
    } catch (error) {
      release();
      throw error;
    }
  },
};

function pagedDevice(device: Device): PagedDevice {
  if (device instanceof PagedDevice) return device;
  throw new TypeError('not a device of this backend');
}

async function findAdapter(options: WebgpuOptions): Promise<GPUAdapter> {
  const gpu = options.gpu ?? (await findGpu());
  const adapter = (await gpu?.requestAdapter(options.adapter)) ?? null;
  if (adapter !== null) return adapter;
  const what = gpu === undefined ? 'there is no WebGPU here' : 'WebGPU offers no adapter here';
  throw new MirrorError('UNSUPPORTED', `${what}. ${REMEDY}`);
}

/** @throws MirrorError `UNSUPPORTED` where the adapter has less than is asked of it */
async function requestDevice(
  adapter: GPUAdapter | undefined,
  { requiredLimits }: WebgpuOptions,
): Promise<GPUDevice | undefined> {
  if (adapter === undefined) return undefined;
  try {
    return await adapter.requestDevice({ requiredLimits: requiredLimits ?? wanted(adapter.limits) });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MirrorError('UNSUPPORTED', `the adapter gives no such device: ${why}`, { cause });
  }
}

/** All that the adapter has of what limits memory. */
function wanted(limits: GPUSupportedLimits): Record<string, number> {
  return {
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
  };
}

function describe({ info }: GPUAdapter): string {
  return [info.vendor, info.architecture, info.description].filter(Boolean).join(' ') || 'an unnamed adapter';
}
