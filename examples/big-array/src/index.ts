import { createSpace, type Fence } from '@mirrorspace/core';
import { findGpu, webgpu } from '@mirrorspace/webgpu';
import { parseArgs } from 'node:util';
import { sum, UNIT_WORDS, update } from './programs.js';
import { countWrong, fill } from './words.js';

const { values: options } = parseArgs({ options: { largest: { type: 'boolean', default: false } } });
const MiB = 2 ** 20;

// By default a device as WebGPU promises it everywhere, with bindings of 128 MiB; with --largest, all that this adapter has.
const adapter = await (await findGpu())?.requestAdapter();
if (adapter === null || adapter === undefined) throw new Error('there is no WebGPU adapter here');
const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = adapter.limits;
const requiredLimits = { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage };
const gpu = await adapter.requestDevice(options.largest ? { requiredLimits } : {});
const binding = gpu.limits.maxStorageBufferBindingSize;
const bytes = 1.5 * binding;

const device = await webgpu.open({ device: gpu, memory: bytes + MiB });
const space = await createSpace({ addressBits: device.limits.addressBits, pageSize: 65_536 });
const mirror = await space.attach(device);
const array = space.map({ bytes, name: 'array' });
const units = bytes / 4 / UNIT_WORDS;
const sums = space.map({ bytes: 4 * units, name: 'sums' });
const frames = device.memoryUse.find(({ use }) => use === 'frames')!;
console.log(
  `an array of ${show(bytes)}; bindings are of ${show(binding)} at most, so ${frames.buffers} buffers are its memory`,
);

const expected = await timed('the CPU fills it', () => fill(array));
await timed('the GPU sums it, copied in first', () =>
  inParts((range, unit, count) =>
    mirror.launch(sum, {
      grid: [count],
      args: [range[0], sums.address + 4 * unit],
      reads: [range],
      writes: [[sums.address + 4 * unit, 4 * count]],
      exact: true,
    }),
  ),
);
const found = new Uint32Array((await space.read(sums.address, sums.bytes)).buffer).reduce((a, b) => a + b, 0);
await timed('the GPU updates it', () =>
  inParts((range, _, count) =>
    mirror.launch(update, { grid: [count], args: [range[0]], writes: [range], exact: true }),
  ),
);
const wrong = await timed('the CPU checks it, copied home first', () => countWrong(array));
const { faults, pagesIn, pagesOut } = mirror.stats;
await space.close();
await device.close();
gpu.destroy();
if (found !== expected) throw new Error(`the sum is ${found}, and should be ${expected}`);
if (wrong > 0) throw new Error(`${wrong} words are wrong`);
console.log(`sum ${found}; ${bytes / 4} words right; ${pagesIn} pages in, ${pagesOut} out, ${faults} faults`);

/** Launches over all of the array, 64 MiB each: none keeps the GPU for long. */
async function inParts(
  launch: (range: readonly [number, number], unit: number, count: number) => Fence,
): Promise<void> {
  const most = (64 * MiB) / 4 / UNIT_WORDS;
  const fences: Fence[] = [];
  for (let unit = 0; unit < units; unit += most) {
    const count = Math.min(most, units - unit);
    fences.push(launch([array.address + unit * UNIT_WORDS * 4, count * UNIT_WORDS * 4], unit, count));
  }
  for (const fence of fences) await fence.wait();
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  console.log(`${what.padEnd(38)}${(performance.now() - start).toFixed(0).padStart(6)} ms`);
  return result;
}

function show(size: number): string {
  return `${Math.round(size / MiB)} MiB`;
}
