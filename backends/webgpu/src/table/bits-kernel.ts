import { BIT_ACCESSED, BIT_DIRTY } from '@mirrorspace/core/driver';
import type { Ledger } from '../gpu/ledger.js';
import type { Stream } from '../gpu/stream.js';
import { USAGE } from '../gpu/usage.js';

const GROUP = 64;
const ROW = 65_535;
/** Words that one dispatch takes at most. */
const MOST_SLOTS = 65_536;

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

/**
 * Reads and clears the bits of entries, by a list: in one step, between what ran before and what runs after. Its own buffers are made
 * with it: one that could not be made later would leave the bits unknown.
 */
export class BitsKernel {
  readonly #stream: Stream;
  readonly #pipeline: GPUComputePipeline;
  readonly #most: number;
  readonly #slots: GPUBuffer;
  readonly #taken: GPUBuffer;

  /** @param frames of the device: about how many words are asked for at once */
  constructor(ledger: Ledger, stream: Stream, frames: number) {
    this.#stream = stream;
    this.#most = Math.min(MOST_SLOTS, Math.max(1024, 2 ** Math.ceil(Math.log2(frames))));
    this.#slots = ledger.create('lists', (this.#most + 1) * 4, USAGE.STORAGE | USAGE.COPY_DST);
    this.#taken = ledger.create('lists', this.#most * 4, USAGE.STORAGE | USAGE.COPY_SRC);
    const module = stream.device.createShaderModule({ label: 'mirrorspace bits', code: CODE });
    this.#pipeline = stream.device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'take' } });
  }

  /** Clears the bits. */
  clear(bits: GPUBuffer, slots: readonly number[]): void {
    for (let from = 0; from < slots.length; from += this.#most) this.#run(bits, this.#part(slots, from));
  }

  /** Clears the bits and calls `each` with what they were, once that is known. */
  async take(bits: GPUBuffer, slots: readonly number[], each: (index: number, word: number) => void): Promise<void> {
    for (let from = 0; from < slots.length; from += this.#most) {
      const part = this.#part(slots, from);
      this.#run(bits, part);
      const bytes = part.length * 4;
      const copy = (staging: GPUBuffer) => this.#stream.encoder.copyBufferToBuffer(this.#taken, 0, staging, 0, bytes);
      await this.#stream.readBack(bytes, copy, (read) => {
        const words = new Uint32Array(read.buffer, read.byteOffset, part.length);
        for (let i = 0; i < words.length; i++) each(from + i, words[i]!);
      });
    }
  }

  #part(slots: readonly number[], from: number): readonly number[] {
    return slots.length <= this.#most ? slots : slots.slice(from, from + this.#most);
  }

  #run(bits: GPUBuffer, slots: readonly number[]): void {
    const list = new Uint32Array(slots.length + 1);
    list[0] = slots.length;
    list.set(slots, 1);
    this.#stream.write(this.#slots, 0, list, 0, list.byteLength);
    const { device, encoder } = this.#stream;
    const pass = encoder.beginComputePass();
    pass.setPipeline(this.#pipeline);
    const buffers = [bits, this.#slots, this.#taken];
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    pass.setBindGroup(0, device.createBindGroup({ layout: this.#pipeline.getBindGroupLayout(0), entries }));
    const groups = Math.ceil(slots.length / GROUP);
    pass.dispatchWorkgroups(Math.min(groups, ROW), Math.ceil(groups / ROW));
    pass.end();
  }
}
