import { BIT_ACCESSED, BIT_DIRTY } from '@mirrorspace/core/driver';
import type { Ledger } from '../gpu/ledger.js';
import type { Stream } from '../gpu/stream.js';
import { USAGE } from '../gpu/usage.js';

const GROUP = 64;
const ROW = 65_535;

/** Each entry has two words: accessed, written. What was written was accessed. */
const CODE = `
@group(0) @binding(0) var<storage, read_write> bits: array<atomic<u32>>;
@group(0) @binding(1) var<storage, read> slots: array<u32>;
@group(0) @binding(2) var<storage, read_write> taken: array<u32>;
@compute @workgroup_size(${GROUP})
fn take(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.x + group.y * ${ROW}u) * ${GROUP}u + lane;
  if (i >= slots[0]) { return; }
  let at = 2u * slots[i + 1u];
  let accessed = atomicExchange(&bits[at], 0u) != 0u;
  let dirty = atomicExchange(&bits[at + 1u], 0u) != 0u;
  taken[i] = select(0u, ${BIT_ACCESSED}u, accessed || dirty) | select(0u, ${BIT_DIRTY}u, dirty);
}`;

/** Reads and clears the bits of entries, by a list: in one step, between what ran before and what runs after. */
export class BitsKernel {
  readonly #ledger: Ledger;
  readonly #stream: Stream;
  readonly #pipeline: GPUComputePipeline;
  #slots: GPUBuffer | undefined;
  #taken: GPUBuffer | undefined;

  constructor(ledger: Ledger, stream: Stream) {
    this.#ledger = ledger;
    this.#stream = stream;
    const module = stream.device.createShaderModule({ label: 'mirrorspace bits', code: CODE });
    this.#pipeline = stream.device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'take' } });
  }

  /** Clears the bits. */
  clear(bits: GPUBuffer, slots: readonly number[]): void {
    this.#run(bits, slots);
  }

  /** Clears the bits and calls `each` with what they were, once that is known. */
  take(bits: GPUBuffer, slots: readonly number[], each: (index: number, word: number) => void): Promise<void> {
    this.#run(bits, slots);
    const bytes = slots.length * 4;
    const copy = (staging: GPUBuffer) => this.#stream.encoder.copyBufferToBuffer(this.#taken!, 0, staging, 0, bytes);
    return this.#stream.readBack(bytes, copy, (read) => {
      const words = new Uint32Array(read.buffer, read.byteOffset, slots.length);
      for (let i = 0; i < words.length; i++) each(i, words[i]!);
    });
  }

  #run(bits: GPUBuffer, slots: readonly number[]): void {
    const list = new Uint32Array(slots.length + 1);
    list[0] = slots.length;
    list.set(slots, 1);
    this.#fit(list.byteLength);
    const { device, encoder } = this.#written(list);
    const pass = encoder.beginComputePass();
    pass.setPipeline(this.#pipeline);
    const buffers = [bits, this.#slots!, this.#taken!];
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    pass.setBindGroup(0, device.createBindGroup({ layout: this.#pipeline.getBindGroupLayout(0), entries }));
    const groups = Math.ceil(slots.length / GROUP);
    pass.dispatchWorkgroups(Math.min(groups, ROW), Math.ceil(groups / ROW));
    pass.end();
  }

  #written(list: Uint32Array): Stream {
    this.#stream.write(this.#slots!, 0, list, 0, list.byteLength);
    return this.#stream;
  }

  #fit(bytes: number): void {
    if (this.#slots !== undefined && this.#slots.size >= bytes) return;
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, 4096)));
    if (this.#slots !== undefined) {
      this.#stream.submit();
      this.#ledger.destroy(this.#slots);
      this.#ledger.destroy(this.#taken!);
    }
    this.#slots = this.#ledger.create('lists', size, USAGE.STORAGE | USAGE.COPY_DST);
    this.#taken = this.#ledger.create('lists', size, USAGE.STORAGE | USAGE.COPY_SRC);
  }
}
