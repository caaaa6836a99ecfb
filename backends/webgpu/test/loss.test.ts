import { type AddressSpace, createSpace, type Mirror } from '@mirrorspace/core';
import { webgpu, type WebgpuDevice } from '@mirrorspace/webgpu';
import { describe, expect, test } from 'vitest';
import { PAGE, requestDevice, single, words } from './helpers.js';

const OPTIONS = { memory: 16 * PAGE, pageSizes: [PAGE] };
const add = single(`fn run(unit: Unit) {
  let a = arg_address(0u) + unit.index * 1024u;
  store_u32(a, load_u32(a) + unit.index + 1u);
}`);

const filled = (pages: number, value: number) => new Uint8Array(pages * PAGE).fill(value);

/** A space with one device on a GPU of its own, which can be destroyed. */
async function rig(): Promise<{ gpu: GPUDevice; device: WebgpuDevice; space: AddressSpace; mirror: Mirror }> {
  const gpu = await requestDevice();
  const device = await webgpu.open({ device: gpu, ...OPTIONS });
  const space = await createSpace({ addressBits: 34, timeoutMs: 10_000 });
  const mirror = await space.attach(device, { prefetch: 'none' });
  return { gpu, device, space, mirror };
}

/** Where the pages of a range are lost, by page. */
async function lostPages(space: AddressSpace, address: number, pages: number): Promise<number[]> {
  const lost: number[] = [];
  for (let page = 0; page < pages; page++) {
    const outcome = await space.read(address + page * PAGE, PAGE).then(
      () => 'there',
      (error: { code?: string }) => error.code,
    );
    if (outcome !== 'there') expect(outcome).toBe('DEVICE_LOST');
    if (outcome !== 'there') lost.push(page);
  }
  return lost;
}

describe('a lost GPU', () => {
  test('loses what only it had, and says which; the rest goes on, on another one', async () => {
    const { gpu, device, space, mirror } = await rig();
    const { address } = space.map({ bytes: 8 * PAGE });
    await space.write(address, filled(8, 1));
    await mirror.read(address, 4 * PAGE);
    await mirror.write(address + 2 * PAGE, Uint8Array.of(9));
    gpu.destroy();
    await expect(device.lost).resolves.toMatchObject({ reason: 'failed' });
    expect(device.memoryUse).toEqual([]);
    await expect(space.read(address + 2 * PAGE, 1)).rejects.toMatchObject({
      code: 'DEVICE_LOST',
      ranges: [{ start: address + 2 * PAGE, end: address + 3 * PAGE }],
    });
    expect(await space.read(address, 2 * PAGE)).toEqual(filled(2, 1));
    await expect(mirror.read(address, 4)).rejects.toMatchObject({ code: 'DEVICE_LOST' });

    const next = await webgpu.open(OPTIONS);
    const { mirror: again, lost } = await space.replace(mirror, next);
    expect(lost).toEqual([{ start: address + 2 * PAGE, end: address + 3 * PAGE, state: 'lost' }]);
    await space.write(address + 2 * PAGE, filled(1, 1));
    await again.launch(add, { grid: [8], args: [address] }).wait();
    const found = await words(space, address, 8 * 1024);
    expect(found.filter((_, i) => i % 1024 === 0)).toEqual(Uint32Array.from({ length: 8 }, (_, i) => 0x01010102 + i));
    await space.close();
    await next.close();
  });

  test('may have the name and the options of the one before', async () => {
    const options = { ...OPTIONS, name: 'the GPU' };
    let device = await webgpu.open(options);
    const space = await createSpace({ addressBits: 34 });
    let mirror = await space.attach(device, { prefetch: 'none' });
    const { address } = space.map({ bytes: 4 * PAGE });
    await space.write(address, filled(4, 7));
    for (let times = 0; times < 5; times++) {
      await mirror.write(address + PAGE, Uint8Array.of(times));
      webgpu.conformance.lose(device);
      device = await webgpu.open(options);
      const { mirror: next, lost } = await space.replace(mirror, device, { lost: 'discard' });
      expect(lost).toEqual([{ start: address + PAGE, end: address + 2 * PAGE, state: 'discarded' }]);
      mirror = next;
      expect(await mirror.read(address + PAGE, PAGE)).toEqual(new Uint8Array(PAGE));
      expect(await mirror.read(address, PAGE)).toEqual(filled(1, 7));
    }
    await space.close();
    await device.close();
    expect(device.memoryUse).toEqual([]);
  });

  test.each([0, 1, 2, 4, 8, 16])(
    'in the middle of a launch fails it, and nothing hangs (after %i turns)',
    async (turns) => {
      const { gpu, device, space, mirror } = await rig();
      const pages = 40;
      const { address } = space.map({ bytes: pages * PAGE });
      await space.write(address, filled(pages, 1));
      const launch = mirror.launch(add, { grid: [pages], args: [address] });
      const ended = launch.wait({ timeoutMs: 20_000 }).then(
        () => 'done',
        (error: { code?: string }) => error.code,
      );
      for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
      gpu.destroy();
      expect(['done', 'DEVICE_LOST']).toContain(await ended);
      const { ranges } = await mirror.lost;
      const lost = await lostPages(space, address, pages);
      const said = ranges.flatMap(({ start, end }) =>
        Array.from({ length: (end - start) / PAGE }, (_, i) => (start - address) / PAGE + i),
      );
      expect(lost).toEqual(said);
      // What is not lost was changed by its unit, once, or not at all.
      for (let page = 0; page < pages; page++) {
        if (lost.includes(page)) continue;
        expect([0x01010101, 0x01010102 + page]).toContain((await words(space, address + page * PAGE, 1))[0]);
      }
      await space.close();
      expect(device.memoryUse).toEqual([]);
    },
  );

  test.each([0, 1, 2, 3, 5])(
    'in the middle of a read-back gives no data with the error (after %i turns)',
    async (turns) => {
      const { gpu, space, mirror } = await rig();
      const { address } = space.map({ bytes: 4 * PAGE });
      await mirror.fill(address, 4 * PAGE, 5);
      const reads = [space.read(address, 4 * PAGE), mirror.read(address, PAGE), mirror.atomicAdd(address, 1)];
      const ended = Promise.allSettled(reads);
      for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
      gpu.destroy();
      for (const result of await ended)
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'DEVICE_LOST' });
      const lost = await lostPages(space, address, 4);
      for (let page = 1; page < 4; page++)
        if (!lost.includes(page)) expect(await space.read(address + page * PAGE, PAGE)).toEqual(filled(1, 5));
      await space.close();
    },
  );

  test('that was lost before cannot be opened', async () => {
    const gpu = await requestDevice();
    gpu.destroy();
    await gpu.lost;
    const opening = webgpu.open({ device: gpu, ...OPTIONS, name: 'gone' });
    await expect(opening).rejects.toMatchObject({ code: 'DEVICE_LOST' });
    const next = await webgpu.open({ ...OPTIONS, name: 'gone' });
    await next.close();
  });

  test.each([0, 1, 2, 3, 4])('while it is opened says so, then or when it is used (%i microtasks)', async (ticks) => {
    const gpu = await requestDevice();
    const opening = webgpu.open({ device: gpu, ...OPTIONS, name: 'going' });
    const outcome = opening.then(
      async (device) => (await device.lost).reason,
      (error: { code?: string }) => error.code,
    );
    for (let i = 0; i < ticks; i++) await Promise.resolve();
    gpu.destroy();
    expect(['DEVICE_LOST', 'failed']).toContain(await outcome);
    const next = await webgpu.open({ ...OPTIONS, name: 'going' });
    await next.close();
  });
});
