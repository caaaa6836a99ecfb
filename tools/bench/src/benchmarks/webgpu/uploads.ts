import { RawKernel, storageBuffer } from './gpu.js';
import { runsOf } from './runs.js';

const PAGE = 4096;
const CHUNK = 16 << 20;
const MAP_WRITE = 0x2;

/** Hand-written uploads of pages, by what they are called. */
export type HandWritten = Readonly<Record<string, (pages: readonly number[]) => Promise<unknown>>>;

/** The ways to upload pages of `host` to a buffer of the same size. Each resolves when the GPU has them. */
export async function handWritten(gpu: GPUDevice, buffer: GPUBuffer, host: Uint8Array): Promise<HandWritten> {
  const done = () => gpu.queue.onSubmittedWorkDone();
  const write = (runs: readonly (readonly [number, number])[]) => {
    for (const [start, count] of runs) gpu.queue.writeBuffer(buffer, start * PAGE, host, start * PAGE, count * PAGE);
    return done();
  };
  const ring = new Ring(gpu, buffer, host);
  const scatter = await scatterInto(gpu, buffer, host);
  return {
    'writeBuffer a run': (pages) => write(runsOf(pages)),
    'writeBuffer a run, gaps of 4 filled': (pages) => write(withoutGaps(runsOf(pages), 4)),
    'mapped ring': (pages) => ring.upload(pages).then(done),
    'compute scatter': (pages) => scatter(pages),
  };
}

function withoutGaps(runs: readonly (readonly [number, number])[], most: number): (readonly [number, number])[] {
  const merged: [number, number][] = [];
  for (const [start, count] of runs) {
    const last = merged.at(-1);
    if (last !== undefined && start - (last[0] + last[1]) <= most) last[1] = start + count - last[0];
    else merged.push([start, count]);
  }
  return merged;
}

/** Four mapped buffers in turn. */
class Ring {
  readonly #gpu: GPUDevice;
  readonly #buffer: GPUBuffer;
  readonly #host: Uint8Array;
  readonly #free: GPUBuffer[];
  #coming: Promise<unknown>[] = [];

  constructor(gpu: GPUDevice, buffer: GPUBuffer, host: Uint8Array) {
    this.#gpu = gpu;
    this.#buffer = buffer;
    this.#host = host;
    const usage = MAP_WRITE | 0x4;
    this.#free = Array.from({ length: 4 }, () => gpu.createBuffer({ size: CHUNK, usage, mappedAtCreation: true }));
  }

  async upload(pages: readonly number[]): Promise<void> {
    for (let from = 0; from < pages.length; from += CHUNK / PAGE) {
      const part = pages.slice(from, from + CHUNK / PAGE);
      while (this.#free.length === 0) await this.#coming.shift();
      const staging = this.#free.pop()!;
      const bytes = new Uint8Array(staging.getMappedRange());
      const encoder = this.#gpu.createCommandEncoder();
      let at = 0;
      const copies = runsOf(part).map(([start, count]) => {
        bytes.set(this.#host.subarray(start * PAGE, (start + count) * PAGE), at);
        at += count * PAGE;
        return [at - count * PAGE, start * PAGE, count * PAGE] as const;
      });
      staging.unmap();
      for (const [source, target, length] of copies)
        encoder.copyBufferToBuffer(staging, source, this.#buffer, target, length);
      this.#gpu.queue.submit([encoder.finish()]);
      this.#coming.push(staging.mapAsync(MAP_WRITE).then(() => this.#free.push(staging)));
    }
    this.#coming = this.#coming.slice(-4);
  }
}

/** All pages in one write, and a dispatch that puts each where it belongs. */
async function scatterInto(gpu: GPUDevice, buffer: GPUBuffer, host: Uint8Array): Promise<HandWritten[string]> {
  const most = 4096;
  const staging = storageBuffer(gpu, most * PAGE);
  const list = storageBuffer(gpu, most * 4);
  const packed = new Uint8Array(most * PAGE);
  const code = `@group(0) @binding(0) var<storage, read_write> to: array<vec4u>;
@group(0) @binding(1) var<storage, read> packed: array<vec4u>;
@group(0) @binding(2) var<storage, read> pages: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let page = pages[group.x];
  if (page == 0xffffffffu) { return; }
  for (var i = lane; i < 256u; i += 64u) { to[page * 256u + i] = packed[group.x * 256u + i]; }
}`;
  const kernel = await RawKernel.create(gpu, code, [buffer, staging, list], most);
  return async (pages) => {
    for (let from = 0; from < pages.length; from += most) {
      const part = pages.slice(from, from + most);
      const words = new Uint32Array(most).fill(0xffffffff);
      words.set(part);
      part.forEach((page, i) => packed.set(host.subarray(page * PAGE, (page + 1) * PAGE), i * PAGE));
      gpu.queue.writeBuffer(staging, 0, packed, 0, part.length * PAGE);
      gpu.queue.writeBuffer(list, 0, words);
      await kernel.run();
    }
  };
}
