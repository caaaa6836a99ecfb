import { createSpace } from '@mirrorspace/core';
import { webgpu, type WgslProgram } from '@mirrorspace/webgpu';
import type { Benchmark, RunOptions } from '../../harness/benchmark.js';
import { median, quartiles } from '../../harness/quartiles.js';
import { randomFrom } from '../../harness/random.js';
import { atMost, type Row, row } from '../../harness/row.js';
import { openGpu, RawKernel, storageBuffer } from './gpu.js';
import { runsOf } from './runs.js';
import { type HandWritten, handWritten } from './uploads.js';

const PAGE = 4096;

/** Reads a word. */
const reader: WgslProgram = {
  language: 'wgsl',
  code: 'fn run(unit: Unit) { let word = load_u32(arg_address(0u)); }',
};

/** Pages in runs, at random places, ascending. */
function dirtyPages(pages: number, share: number, run: number, next: () => number): number[] {
  const starts = new Set<number>();
  while (starts.size < (pages * share) / run) starts.add(Math.floor((next() * pages) / run));
  return [...starts].sort((a, b) => a - b).flatMap((start) => Array.from({ length: run }, (_, i) => start * run + i));
}

/**
 * The CPU changed pages of a buffer that the GPU has: the time until the GPU has them again. The peers are hand-written uploads of exactly those
 * pages to a plain buffer, in the ways that are known. The sides take turns; before each, the GPU used both buffers, as it does in
 * programs: drivers treat a buffer that it did not use since it was last written differently.
 */
export const webgpuSync: Benchmark = {
  id: 'webgpu-sync',
  title: 'WebGPU: 256 MiB in sync with what the CPU changed, against the best hand-written upload and against memcpy',
  async run(options) {
    const bytes = options.quick ? 64 << 20 : 256 << 20;
    const gpu = await openGpu();
    const device = await webgpu.open({ device: gpu, memory: bytes + (4 << 20), pageSizes: [PAGE] });
    const space = await createSpace({ addressBits: device.limits.addressBits });
    const mirror = await space.attach(device, { eviction: 'lru', prefetch: 'none' });
    const { address } = space.map({ bytes });
    const other = space.map({ bytes: PAGE });
    await space.write(address, new Uint8Array(bytes).fill(7));
    await mirror.prefetch(address, bytes);
    const host = new Uint8Array(bytes).fill(3);
    const buffer = storageBuffer(gpu, bytes);
    const touch = await toucher(gpu, buffer);
    const ways = await handWritten(gpu, buffer, host);
    const target = new Uint8Array(bytes);
    const uniform = randomFrom(1);
    const next = () => uniform() / 2 ** 32;

    const measure = async (share: number, run: number) => {
      const times: Record<string, number[]> = { mirror: [], memcpy: [] };
      for (let round = -2; round < rounds(options); round++) {
        const pages = dirtyPages(bytes / PAGE, share, run, next);
        for (const [start, count] of runsOf(pages))
          await space.write(address + start * PAGE, new Uint8Array(count * PAGE).fill(round & 255));
        const sides: [string, () => Promise<unknown>][] = [
          ['mirror', () => mirror.prefetch(address, bytes)],
          ['memcpy', () => Promise.resolve(copyPages(host, target, pages))],
          ...Object.entries(ways).map(([name, way]): [string, () => Promise<unknown>] => [name, () => way(pages)]),
        ];
        if (round % 2 !== 0) sides.reverse();
        for (const [name, side] of sides) {
          await mirror.launch(reader, { args: [other.address] }).wait();
          await touch.run();
          const start = performance.now();
          const result = await side();
          const ms = performance.now() - start;
          if (name === 'mirror' && result !== pages.length)
            throw new Error(`${String(result)} of ${pages.length} pages`);
          if (round >= 0) (times[name] ??= []).push(ms);
        }
      }
      return times;
    };
    const rows = judge(await measure(0.01, 1), await measure(0.1, 16), await measure(1, bytes / PAGE), ways);
    await space.close();
    await device.close();
    gpu.destroy();
    return rows;
  },
};

type Times = Record<string, number[]>;

function judge(sparse: Times, runs: Times, whole: Times, ways: HandWritten): Row[] {
  const names = Object.keys(ways);
  const best = (times: Times) => names.reduce((a, b) => (median(times[a]!) <= median(times[b]!) ? a : b));
  const full = whole[best(whole)]!;
  const sparsest = sparse[best(sparse)]!;
  return [
    ratio('1 % of pages at random, against the best upload of those pages', sparse, sparsest, 1.2),
    ratio('the same against the best upload of all', sparse, [median(full)], 0.05),
    ratio('10 % in runs of 16 pages against memcpy', runs, runs['memcpy']!, 2),
    ratio('all pages against memcpy', whole, whole['memcpy']!, 1.6),
  ];
}

function ratio(name: string, times: Times, peer: readonly number[], target: number): Row {
  const { low, median: middle, high } = quartiles(times['mirror']!.map((ms, i) => ms / peer[i % peer.length]!));
  const figures = Object.fromEntries(Object.entries(times).map(([side, ms]) => [`${side} ms`, median(ms)]));
  return row(name, { measured: middle, unit: 'x', spread: [low, high] }, atMost(target), figures);
}

function rounds({ quick }: RunOptions): number {
  return quick ? 4 : 12;
}

/** Has the GPU use a buffer. */
function toucher(gpu: GPUDevice, buffer: GPUBuffer): Promise<RawKernel> {
  const code = `@group(0) @binding(0) var<storage, read_write> words: array<u32>;
@compute @workgroup_size(1) fn main() { words[0] += 1u; }`;
  return RawKernel.create(gpu, code, [buffer], 1);
}

function copyPages(from: Uint8Array, to: Uint8Array, pages: readonly number[]): void {
  for (const [start, count] of runsOf(pages)) to.set(from.subarray(start * PAGE, (start + count) * PAGE), start * PAGE);
}
