import { createSpace } from '@mirrorspace/core';
import { webgpu, type WgslProgram } from '@mirrorspace/webgpu';
import type { Benchmark } from '../../harness/benchmark.js';
import { compare } from '../../harness/pair.js';
import { atMost, type Row, row } from '../../harness/row.js';
import { openGpu, RawKernel, storageBuffer } from './gpu.js';

const MEMORY = 64 << 20;
const CHUNK = 16 << 20;
/** Bytes a work unit goes through. */
const UNIT_BYTES = 65_536;

/**
 * A program goes once through twice as much data as the device has memory. The peer moves the same bytes through a buffer as large as that
 * memory by `writeBuffer` and computes nothing; what the same work costs on raw buffers is named beside it.
 */
export const webgpuStream: Benchmark = {
  id: 'webgpu-stream',
  title: 'WebGPU: a program streams twice the device memory, against writeBuffer of the same bytes',
  async run({ quick }) {
    const gpu = await openGpu();
    const bytes = 2 * MEMORY;
    const host = new Uint32Array(bytes / 4);
    for (let i = 0; i < host.length; i += 16) host[i] = i;
    const buffer = storageBuffer(gpu, MEMORY);
    const out = storageBuffer(gpu, (256 * bytes) / UNIT_BYTES);
    const kernel = await RawKernel.create(gpu, rawCode, [buffer, out], MEMORY / UNIT_BYTES);
    const peer = async () => {
      for (let at = 0; at < bytes; at += CHUNK) {
        gpu.queue.writeBuffer(buffer, at % MEMORY, host, at / 4, CHUNK / 4);
        if ((at + CHUNK) % MEMORY === 0) await gpu.queue.onSubmittedWorkDone();
      }
    };
    const rounds = { rounds: quick ? 4 : 15, warmup: 2, units: 1 };
    const work = await compare({ run: async () => (await kernel.run(), kernel.run()) }, { run: peer }, rounds);
    const one = async (pageBytes: number) => {
      const device = await webgpu.open({ device: gpu, memory: MEMORY, pageSizes: [pageBytes] });
      const space = await createSpace({ addressBits: device.limits.addressBits, pageSize: pageBytes });
      const mirror = await space.attach(device);
      const data = space.map({ bytes });
      await space.write(data.address, new Uint8Array(host.buffer));
      const sums = space.map({ bytes: (256 * bytes) / UNIT_BYTES });
      const grid = [bytes / UNIT_BYTES] as const;
      const subject = {
        run: () => mirror.launch(program(pageBytes), { grid, args: [data.address, sums.address] }).wait(),
      };
      const result = await compare(subject, { run: peer }, rounds);
      const found = new Uint32Array((await space.read(sums.address, sums.bytes)).slice().buffer);
      const expected = host.reduce((sum, word) => (sum + word) >>> 0, 0);
      if (found.reduce((sum, word) => (sum + word) >>> 0, 0) !== expected) throw new Error('wrong sums');
      await space.close();
      await device.close();
      return result;
    };
    const [small, middle, large] = [await one(4096), await one(65_536), await one(2 << 20)];
    gpu.destroy();
    return [judge(large, middle.ratio.median, small.ratio.median, work.ratio.median)];
  },
};

function judge(
  { ratio, subjectNs, peerNs }: Awaited<ReturnType<typeof compare>>,
  middle: number,
  small: number,
  work: number,
): Row {
  const value = { measured: ratio.median, unit: 'x' as const, spread: [ratio.low, ratio.high] as const };
  return row('twice the memory, pages of 2 MiB', value, atMost(1.5), {
    'launch ms': subjectNs / 1e6,
    'writeBuffer ms': peerNs / 1e6,
    'the dispatch alone on raw buffers x': work,
    'pages of 64 KiB x': middle,
    'pages of 4 KiB x': small,
  });
}

/** Each lane sums every 16th word of its share of a page. */
function program(pageBytes: number): WgslProgram {
  const words = Math.min(pageBytes, UNIT_BYTES) / 4;
  return programs.get(words) ?? remember(words);
}

const programs = new Map<number, WgslProgram>();

function remember(words: number): WgslProgram {
  const pages = UNIT_BYTES / 4 / words;
  const program: WgslProgram = {
    language: 'wgsl',
    lanes: 64,
    code: `fn run(unit: Unit) {
  var sum = 0u;
  for (var p = 0u; p < ${pages}u; p++) {
    let first = (unit.index * ${UNIT_BYTES / 4}u + p * ${words}u) % page_words;
    let page = page_to_load(arg_address(0u) + unit.index * ${UNIT_BYTES / 4}u + p * ${words}u);
    for (var i = unit.lane * 16u; i < ${words}u; i += 1024u) { sum += load_in_u32(page, first + i); }
  }
  store_u32(arg_address(1u) + unit.index * 64u + unit.lane, sum);
}`,
  };
  programs.set(words, program);
  return program;
}

const rawCode = `@group(0) @binding(0) var<storage, read> words: array<u32>;
@group(0) @binding(1) var<storage, read_write> sums: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  var sum = 0u;
  for (var i = lane * 16u; i < ${UNIT_BYTES / 4}u; i += 1024u) { sum += words[group.x * ${UNIT_BYTES / 4}u + i]; }
  sums[group.x * 64u + lane] = sum;
}`;
