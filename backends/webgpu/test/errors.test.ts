import { createSpace, PTE_READ, PTE_WRITE, BIT_ACCESSED, BIT_DIRTY } from '@mirrorspace/core';
import { webgpu, type WebgpuDevice } from '@mirrorspace/webgpu';
import { findGpu } from '#find-gpu';
import { describe, expect, test } from 'vitest';
import { RadixTable } from '../src/table/radix.js';
import { createRig, meddle, PAGE, requestDevice, single, words } from './helpers.js';

const OPTIONS = { memory: 16 * PAGE, pageSizes: [PAGE] };
const set = single('fn run(unit: Unit) { store_u32(arg_address(0u), arg_u32(1u)); }');

describe('a program', () => {
  test.each([
    ['more workgroup memory than there is', 'var<workgroup> much: array<u32, 8192>;', 'much[unit.lane] = 1u;'],
    [
      'more workgroup memory by a constant of its own',
      'override n: u32 = 8192u; var<workgroup> much: array<u32, n>;',
      'much[unit.lane] = 1u;',
    ],
  ])('that asks for %s is refused; the device goes on', async (_what, global, body) => {
    await using rig = await createRig(4);
    const { address } = rig.space.map({ bytes: PAGE });
    const failed = rig.mirror.launch(single(`${global}\nfn run(unit: Unit) { ${body} }`)).wait();
    await expect(failed).rejects.toMatchObject({ code: 'PROGRAM' });
    await expect(failed).rejects.toThrow(/workgroup/i);
    await rig.mirror.launch(set, { args: [address, 5] }).wait();
    expect(await words(rig.space, address, 1)).toEqual(Uint32Array.of(5));
  });

  test('that asks for more lanes than there are is refused', async () => {
    await using rig = await createRig(4);
    const program = { ...set, lanes: [1024, 1, 1] as const };
    await expect(rig.mirror.launch(program, { args: [0, 0] }).wait()).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});

describe('limits', () => {
  test('beyond what the adapter has are refused when the device is opened', async () => {
    const opening = webgpu.open({ ...OPTIONS, requiredLimits: { maxBufferSize: 2 ** 45 }, name: 'large' });
    await expect(opening).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(opening).rejects.toThrow(/maxBufferSize/);
    await expect(webgpu.open({ requiredLimits: 5 as never })).rejects.toThrow(TypeError);
    await expect(webgpu.open({ requiredLimits: { maxBufferSize: '1' as never } })).rejects.toThrow(TypeError);
    const device = await webgpu.open({ ...OPTIONS, requiredLimits: {}, name: 'large' });
    await device.close();
  });

  test('are those that WebGPU guarantees where no more is asked for', async () => {
    // 256 MiB of frames take two bindings of 128 MiB, and one more for the page behind them.
    const options = { requiredLimits: {}, largestBuffer: 2 ** 29 };
    await using rig = await createRig(1, { ...options, memory: 2 ** 28 });
    expect(rig.device.limits.memory).toBe(2 ** 28);
    await expect(webgpu.open({ ...options, memory: '1 GiB' })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});

describe('an error of WebGPU', () => {
  test('that nobody captured loses a device of our own', async () => {
    let own: GPUDevice | undefined;
    const found = (await findGpu())!;
    const gpu = {
      requestAdapter: async () => {
        const adapter = (await found.requestAdapter())!;
        const request = adapter.requestDevice.bind(adapter);
        adapter.requestDevice = async (descriptor) => (own = await request(descriptor));
        return adapter;
      },
    } as GPU;
    const device = await webgpu.open({ gpu, ...OPTIONS });
    await using space = await createSpace({ addressBits: 34 });
    const mirror = await space.attach(device, { prefetch: 'none' });
    const { address } = space.map({ bytes: 2 * PAGE });
    await mirror.write(address, Uint8Array.of(1));
    own!.createBuffer({ size: 2 ** 45, usage: 8 });
    expect((await device.lost).reason).toBe('failed');
    expect((await mirror.lost).ranges).toEqual([{ start: address, end: address + PAGE }]);
    await expect(mirror.write(address + PAGE, Uint8Array.of(1))).rejects.toMatchObject({ code: 'DEVICE_LOST' });
  });

  test('that somebody else made on a shared device is theirs', async () => {
    const gpu = await requestDevice();
    const theirs: string[] = [];
    gpu.addEventListener('uncapturederror', ({ error }) => void theirs.push(error.message));
    await using rig = await createRig(4, { device: gpu });
    const { address } = rig.space.map({ bytes: 8 * PAGE });
    const launch = rig.mirror.launch(set, { args: [address, 3] });
    gpu.createBuffer({ size: 2 ** 45, usage: 8 });
    await launch.wait();
    expect(await words(rig.space, address, 1)).toEqual(Uint32Array.of(3));
    expect(theirs).toHaveLength(1);
  });
});

describe('what WebGPU does not give when it is too late to refuse', () => {
  /** A space on a device that `change` meddles with from the first access on. */
  async function meddled(change: Parameters<typeof meddle>[1], limits: Record<string, number> = {}) {
    const gpu = await requestDevice(limits);
    const device: WebgpuDevice = await webgpu.open({ device: gpu, ...OPTIONS });
    const space = await createSpace({ addressBits: 34 });
    const mirror = await space.attach(device, { prefetch: 'none' });
    const { address } = space.map({ bytes: 8 * PAGE });
    await space.write(address, new Uint8Array(8 * PAGE).fill(1));
    meddle(gpu, change);
    return { gpu, device, space, mirror, address };
  }

  test('a page table that cannot be made fails the launch, and can be made later', async () => {
    const { maxBufferSize, maxStorageBufferBindingSize } = (await (await findGpu())!.requestAdapter())!.limits;
    let refusals = 2;
    // SwiftShader claims a buffer of this size, and cannot make it.
    const { device, space, mirror, address } = await meddled(
      (label, make) => (/page table/.test(label) && refusals-- > 0 ? make(maxBufferSize) : make()),
      { maxBufferSize, maxStorageBufferBindingSize },
    );
    for (let i = 0; i < 2; i++) {
      const before = JSON.stringify(device.memoryUse);
      const failed = mirror.launch(set, { args: [address, 5] }).wait();
      await expect(failed).rejects.toMatchObject({ code: 'OUT_OF_DEVICE_MEMORY' });
      await expect(failed).rejects.toThrow(/page table of \d+ bytes/);
      expect(JSON.stringify(device.memoryUse)).toBe(before);
    }
    await mirror.launch(set, { args: [address, 5] }).wait();
    expect(await words(space, address, 2)).toEqual(Uint32Array.of(5, 0x01010101));
    await space.close();
    await device.close();
    expect(device.memoryUse).toEqual([]);
  });

  test('a read-back buffer that cannot be made loses the device, and no data is made up', async () => {
    const { device, space, mirror, address } = await meddled((label, make) =>
      /read-back/.test(label) ? make(2 ** 45) : make(),
    );
    await mirror.write(address, Uint8Array.of(9));
    await expect(space.read(address, 4)).rejects.toMatchObject({ code: 'DEVICE_LOST' });
    expect((await device.lost).reason).toBe('failed');
    expect((await mirror.lost).ranges).toEqual([{ start: address, end: address + PAGE }]);
    expect(device.memoryUse).toEqual([]);
    await space.close();
  });

  test('a read-back that fails loses the device: what became of the launch nobody can say', async () => {
    const { device, space, mirror, address } = await meddled((label, make) => {
      const buffer = make();
      if (/read-back/.test(label))
        buffer.mapAsync = () => Promise.reject(new DOMException('no room to map it', 'OperationError'));
      return buffer;
    });
    const launch = mirror.launch(set, { args: [address, 5] });
    await expect(launch.wait()).rejects.toMatchObject({ code: 'DEVICE_LOST' });
    await expect(launch.wait()).rejects.toThrow(/no room to map it/);
    expect((await device.lost).reason).toBe('failed');
    await space.close();
  });

  test('commands that are refused lose the device before anybody goes by what they left', async () => {
    // Somebody destroys what is ours: every later submission that uses it is refused.
    const gpu = await requestDevice();
    const made: GPUBuffer[] = [];
    meddle(gpu, (label, make) => {
      const buffer = make();
      if (/lists/.test(label)) made.push(buffer);
      return buffer;
    });
    const device = await webgpu.open({ device: gpu, ...OPTIONS });
    await using space = await createSpace({ addressBits: 34 });
    const mirror = await space.attach(device, { prefetch: 'none' });
    const { address } = space.map({ bytes: 2 * PAGE });
    await mirror.launch(set, { args: [address, 5] }).wait();
    for (const buffer of made) buffer.destroy();
    // The dirty bit cannot be read: the page must not count as clean.
    await expect(space.read(address, 4)).rejects.toMatchObject({ code: 'DEVICE_LOST' });
    expect((await mirror.lost).ranges).toEqual([{ start: address, end: address + PAGE }]);
  });
});

describe('accessed and dirty bits', () => {
  test('of entries that no program has seen are none, and take those of no other', async () => {
    const device = await webgpu.open(OPTIONS);
    const mmu = await device.createMmu({ addressBits: 34 });
    const paging = device.queues.find(({ paging: pages }) => pages)!;
    const user = device.queues.find(({ paging: pages }) => !pages)!;
    const list = (pages: number[]) => ({
      mmu: mmu.id,
      pageSize: PAGE,
      count: pages.length,
      pages: Float64Array.from(pages),
    });
    const map = (pages: number[]) =>
      paging.submit([
        {
          kind: 'map',
          ...list(pages),
          frames: Uint32Array.from(pages, (_, i) => i % 16),
          access: new Uint8Array(pages.length).fill(PTE_READ | PTE_WRITE),
        },
      ]);
    // Leaves until the table is full: the last entry is the last word of it.
    const model = new RadixTable(22);
    const leaves: number[] = [];
    do {
      leaves.push(model.start.flatPages + 512 * leaves.length + 511);
      model.ensure(leaves[leaves.length - 1]!);
    } while (model.find(leaves[leaves.length - 1]!) + 1 < model.words.length);
    await map(leaves).wait();
    const last = leaves[leaves.length - 1]!;
    await user.submit([{ kind: 'launch', mmu: mmu.id, program: set, grid: [1, 1, 1], args: [last * PAGE, 1] }]).wait();
    // The table grows; no program runs since.
    const next = last + 1;
    await map([next]).wait();
    const bits = new Uint8Array(1);
    await paging.submit([{ kind: 'unmap', ...list([next]), bits }]).wait();
    expect(bits[0]).toBe(0);
    await paging.submit([{ kind: 'harvest', ...list([last]), bits }]).wait();
    expect(bits[0]).toBe(BIT_ACCESSED | BIT_DIRTY);
    await device.close();
  });

  test('of more entries than one dispatch takes are all there', async () => {
    const frames = 3000;
    await using rig = await createRig(frames, {});
    const { address } = rig.space.map({ bytes: frames * PAGE });
    const program = single(`fn run(unit: Unit) {
      let a = arg_address(0u) + unit.index * 1024u;
      if (unit.index % 2u == 0u) { store_u32(a, 1u); } else { let x = load_u32(a); if (x == 77u) { store_u32(a, 1u); } }
    }`);
    await rig.mirror.prefetch(address, frames * PAGE, { access: 'write' });
    await rig.mirror.launch(program, { grid: [frames], args: [address] }).wait();
    const { accessed, dirty } = await rig.mirror.harvest(address, frames * PAGE);
    expect([accessed, dirty]).toEqual([frames, frames / 2]);
  });
});

describe('a page table that is closed', () => {
  test('while another program compiles takes nothing along', async () => {
    const device = await webgpu.open(OPTIONS);
    const spaces = await Promise.all([createSpace({ addressBits: 34 }), createSpace({ addressBits: 34 })]);
    const [one, two] = await Promise.all(spaces.map((space) => space.attach(device, { prefetch: 'none' })));
    const [first, second] = spaces.map((space) => space.map({ bytes: 4 * PAGE }).address);
    await one!.launch(set, { args: [first!, 1] }).wait();
    // Entries go, and the bits are cleared beside a program that nobody has compiled yet.
    const unmapped = spaces[0].unmap(first!, 4 * PAGE);
    const fresh = single('fn run(unit: Unit) { store_u32(arg_address(0u), 8u); }');
    const launch = two!.launch(fresh, { args: [second!] });
    await Promise.all([unmapped, spaces[0].close()]);
    await launch.wait();
    expect(await words(spaces[1], second!, 1)).toEqual(Uint32Array.of(8));
    await spaces[1].close();
    await device.close();
  });

  test('in the middle of a launch that has units to start ends it', async () => {
    const device = await webgpu.open({ ...OPTIONS, residentUnits: 2 });
    const mmu = await device.createMmu({ addressBits: 34 });
    const user = device.queues.find(({ paging }) => !paging)!;
    const paging = device.queues.find(({ paging: pages }) => pages)!;
    const map = {
      kind: 'map',
      mmu: mmu.id,
      pageSize: PAGE,
      count: 1,
      pages: Float64Array.of(1),
      frames: Uint32Array.of(0),
      access: Uint8Array.of(PTE_READ | PTE_WRITE),
    } as const;
    await paging.submit([map]).wait();
    const launch = { kind: 'launch', mmu: mmu.id, program: set, grid: [5000, 1, 1], args: [PAGE, 1] } as const;
    const fence = user.submit([launch]);
    const before = device.faults.retired;
    while (device.faults.retired < before + 4) await new Promise((resolve) => setImmediate(resolve));
    await mmu.close();
    await expect(fence.wait()).rejects.toMatchObject({ code: 'CLOSED' });
    const other = await device.createMmu({ addressBits: 34 });
    await paging.submit([{ ...map, mmu: other.id }]).wait();
    await user.submit([{ ...launch, mmu: other.id, grid: [3, 1, 1] }]).wait();
    await device.close();
  });
});
