import { createSpace } from '@mirrorspace/core';
import { webgpu } from '@mirrorspace/webgpu';
import { findGpu } from '#find-gpu';
import { describe, expect, test } from 'vitest';
import { createRig, PAGE, requestDevice, single, words } from './helpers.js';

const MIB = 2 ** 20;
const add = single(`fn run(unit: Unit) {
  let a = arg_address(0u) + unit.index * 1024u;
  store_u32(a, load_u32(a) + unit.index + 1u);
}`);

describe('device memory', () => {
  test('lies in as many buffers as it takes, and programs reach all of it', async () => {
    const device = await requestDevice();
    await using rig = await createRig(0, { device, memory: 9 * MIB, largestBuffer: 2 * MIB });
    const pages = (9 * MIB) / PAGE;
    const { address } = rig.space.map({ bytes: 9 * MIB });
    await rig.mirror.launch(add, { grid: [pages], args: [address], reads: [[address, 9 * MIB]] }).wait();
    expect(rig.mirror.stats.evictions).toBe(0);
    const found = await words(rig.space, address, pages * 1024);
    expect(found.filter((_, i) => i % 1024 === 0)).toEqual(Uint32Array.from({ length: pages }, (_, i) => i + 1));
    device.destroy();
  });

  test('more than bindings can show is refused, with what fits', async () => {
    const device = await requestDevice();
    const { maxStorageBuffersPerShaderStage: bindings } = device.limits;
    const open = webgpu.open({ device, memory: 64 * MIB, largestBuffer: 2 * MIB, pageSizes: [PAGE] });
    await expect(open).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(open).rejects.toThrow(`${(bindings - 3) * 2 * MIB - PAGE} bytes are the most`);
    device.destroy();
  });

  test('what the adapter cannot give is said when the device is opened', async () => {
    const device = await requestDevice();
    await expect(webgpu.open({ device, memory: '8 GiB' })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    device.destroy();
  });

  test('memory that is not there is said when the device is opened, and nothing is left of it', async () => {
    const adapter = await (await findGpu())!.requestAdapter();
    const { maxBufferSize, maxStorageBufferBindingSize } = adapter!.limits;
    const device = await requestDevice({ maxBufferSize, maxStorageBufferBindingSize });
    // SwiftShader claims a buffer of this size, and cannot make it.
    const options = { device, memory: maxBufferSize - PAGE, pageSizes: [PAGE], largestBuffer: 2 ** 32, name: 'twice' };
    await expect(webgpu.open(options)).rejects.toMatchObject({ code: 'OUT_OF_DEVICE_MEMORY' });
    const opened = await webgpu.open({ ...options, memory: 16 * PAGE });
    await opened.close();
    expect(opened.memoryUse).toEqual([]);
    device.destroy();
  });

  test('leaves nothing behind, however often a device is opened', async () => {
    const device = await requestDevice();
    for (let i = 0; i < 500; i++) {
      const opened = await webgpu.open({ device, memory: 16 * PAGE, pageSizes: [PAGE], residentUnits: 16 });
      const space = await createSpace({ addressBits: 34 });
      const mirror = await space.attach(opened);
      const { address } = space.map({ bytes: 4 * PAGE });
      await mirror.write(address, Uint8Array.of(i));
      expect((await space.read(address, 1))[0]).toBe(i & 255);
      await space.close();
      await opened.close();
      expect(opened.memoryUse).toEqual([]);
    }
    device.destroy();
  }, 60_000);
});
