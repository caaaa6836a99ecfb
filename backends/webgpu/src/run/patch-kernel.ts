import type { FramePool } from '../frame-pool.js';
import type { Ledger } from '../gpu/ledger.js';
import type { Stream } from '../gpu/stream.js';
import { USAGE } from '../gpu/usage.js';

const CODE = `
struct Change { word: u32, mask: u32, value: u32, add: u32 }
@group(0) @binding(0) var<storage, read_write> frames: array<u32>;
@group(0) @binding(1) var<storage, read> change: Change;
@group(0) @binding(2) var<storage, read_write> previous: array<u32>;
@compute @workgroup_size(1) fn apply() {
  let old = frames[change.word];
  previous[0] = old;
  frames[change.word] = (old & ~change.mask) | ((change.value + old * change.add) & change.mask);
}`;

/** Changes one word of a frame in place: some of its bytes, or by adding to it. */
export class PatchKernel {
  readonly #stream: Stream;
  readonly #pool: FramePool;
  readonly #pipeline: GPUComputePipeline;
  readonly #patch: GPUBuffer;
  readonly #previous: GPUBuffer;

  constructor(ledger: Ledger, stream: Stream, pool: FramePool) {
    this.#stream = stream;
    this.#pool = pool;
    const module = stream.device.createShaderModule({ label: 'mirrorspace patch', code: CODE });
    this.#pipeline = stream.device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'apply' } });
    this.#patch = ledger.create('lists', 16, USAGE.STORAGE | USAGE.COPY_DST);
    this.#previous = ledger.create('lists', 16, USAGE.STORAGE | USAGE.COPY_SRC);
  }

  /** Sets up to three bytes that lie in one word, from the byte at `at` of the pool on. */
  store(at: number, bytes: number, byte: (index: number) => number): void {
    let mask = 0;
    let value = 0;
    for (let i = 0; i < bytes; i++) {
      const shift = 8 * ((at % 4) + i);
      mask |= 0xff << shift;
      value |= byte(i) << shift;
    }
    this.#apply(at, mask, value, 0);
  }

  /** Adds to the word at `at` of the pool; resolves to what it was. */
  add(at: number, value: number): Promise<number> {
    this.#apply(at, 0xffffffff, value, 1);
    const copy = (staging: GPUBuffer) => this.#stream.encoder.copyBufferToBuffer(this.#previous, 0, staging, 0, 4);
    return this.#stream.readBack(4, copy, (bytes) => new Uint32Array(bytes.buffer, bytes.byteOffset, 1)[0]!);
  }

  #apply(at: number, mask: number, value: number, add: number): void {
    const buffer = this.#pool.bufferAt(at);
    const word = Math.floor(this.#pool.offsetAt(at) / 4);
    this.#stream.write(this.#patch, 0, Uint32Array.of(word, mask, value, add), 0, 16);
    const { device, encoder } = this.#stream;
    const pass = encoder.beginComputePass();
    pass.setPipeline(this.#pipeline);
    const entries = [buffer, this.#patch, this.#previous].map((each, binding) => ({
      binding,
      resource: { buffer: each },
    }));
    pass.setBindGroup(0, device.createBindGroup({ layout: this.#pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(1);
    pass.end();
  }
}
