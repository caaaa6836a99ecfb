import {
  type AddressSpace,
  type AttachOptions,
  createSpace,
  type Mirror,
  validate,
  type ValidatedDevice,
} from '@mirrorspace/core';
import { webgpu, type WebgpuOptions, type WgslProgram } from '@mirrorspace/webgpu';
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
