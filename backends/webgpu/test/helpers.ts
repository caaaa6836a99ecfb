import {
  type AddressSpace,
  type AttachOptions,
  createSpace,
  type Mirror,
  validate,
  type ValidatedDevice,
} from '@mirrorspace/core';
import { webgpu, type WebgpuOptions, type WgslProgram } from '@mirrorspace/webgpu';
import { findGpu } from '#find-gpu';
import { expect } from 'vitest';

export const PAGE = 4096;

/** A space with one validated WebGPU device. Disposing closes both and demands that nobody broke the contract. */
export interface Rig extends AsyncDisposable {
  readonly space: AddressSpace;
  readonly device: ValidatedDevice;
  readonly mirror: Mirror;
}

/** Opens a space with a device of `frames` pages. */
export async function createRig(frames: number, options: WebgpuOptions = {}, attach: AttachOptions = {}): Promise<Rig> {
  const device = validate(await webgpu.open({ memory: frames * PAGE, pageSizes: [PAGE], ...options }));
  const space = await createSpace({ addressBits: device.limits.addressBits });
  const mirror = await space.attach(device, { prefetch: 'none', ...attach });
  return {
    space,
    device,
    mirror,
    async [Symbol.asyncDispose]() {
      await space.close();
      await device.close();
      expect(device.violations).toEqual([]);
    },
  };
}

/** A program of one lane a unit. */
export function single(code: string, more: Partial<WgslProgram> = {}): WgslProgram {
  return { language: 'wgsl', lanes: 1, code, ...more };
}

/** The 32-bit words of a range. */
export async function words(space: AddressSpace, address: number, count: number): Promise<Uint32Array> {
  const bytes = await space.read(address, 4 * count);
  return new Uint32Array(bytes.slice().buffer);
}

/** A GPU device of the adapter that tests run on, with limits beyond the guaranteed ones where asked for. */
export async function requestDevice(limits: Record<string, number> = {}): Promise<GPUDevice> {
  const adapter = await (await findGpu())?.requestAdapter();
  if (adapter === undefined || adapter === null) throw new Error('no adapter: CI has to have one');
  return adapter.requestDevice({ requiredLimits: limits });
}

/** Lets `change` alter how buffers are made from now on, by their labels. */
export function meddle(
  device: GPUDevice,
  change: (label: string, make: (size?: number) => GPUBuffer) => GPUBuffer,
): void {
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) =>
    change(descriptor.label ?? '', (size = descriptor.size) => create({ ...descriptor, size }));
}
