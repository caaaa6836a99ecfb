import type { LaunchCommand } from '@mirrorspace/core/driver';
import type { FramePool } from '../frame-pool.js';
import type { Stream } from '../gpu/stream.js';
import { type WebgpuMmu, WORDS_AN_ENTRY } from '../table/mmu.js';
import { FLAT_AT } from '../table/radix.js';
import {
  AT_BROKEN,
  AT_FAULTS,
  AT_READY,
  AT_STALLED,
  type ControlLayout,
  LIST_AT,
  PARAM_WORDS,
  STALLED_WORDS,
} from '../wgsl/control.js';
import type { Kernel } from '../wgsl/kernel.js';
import { WORD_ADDRESS_BITS } from '../wgsl/library.js';
import type { SettleKernel } from './settle-kernel.js';

/** Most workgroups in one dimension of a dispatch. */
const ROW = 65_535;

/** What rounds run on. */
export interface RoundHost {
  readonly stream: Stream;
  readonly pool: FramePool;
  readonly layout: ControlLayout;
  readonly control: GPUBuffer;
  readonly params: GPUBuffer;
  readonly indirect: GPUBuffer;
  readonly settleKernel: SettleKernel;
  readonly addressBits: number;
}

/** Which units of a launch run, and how. */
export interface RoundPlan {
  readonly command: LaunchCommand;
  readonly mmu: WebgpuMmu;
  readonly kernel: Kernel;
  readonly how: 'probe' | 'direct' | 'sure';
  /** Units that run again. */
  readonly retried: Uint32Array;
  /** The first unit that runs for the first time, and how many. */
  readonly next: number;
  readonly fresh: number;
}

/** What became of a round; valid until the callback that gets it returns. */
export class RoundOutcome {
  readonly #words: Uint32Array;
  readonly #layout: ControlLayout;
  readonly #wide: boolean;

  constructor(words: Uint32Array, layout: ControlLayout, addressBits: number) {
    this.#words = words;
    this.#layout = layout;
    this.#wide = addressBits > WORD_ADDRESS_BITS;
  }

  /** Units that met no fault. */
  get ready(): number {
    return this.#words[AT_READY]!;
  }

  /** A unit that met a fault where none may be. */
  get broken(): number | undefined {
    const unit = this.#words[AT_BROKEN]!;
    return unit === 0 ? undefined : unit - 1;
  }

  /** Units that wait for pages. */
  get stalled(): number {
    return this.#words[AT_STALLED]!;
  }

  /** Which one the `index`-th is. */
  stalledUnit(index: number): number {
    return this.#words[this.#layout.stalledAt + STALLED_WORDS * index]!;
  }

  /** The byte address that a lane of it could not access. */
  stalledAddress(index: number): number {
    return this.#address(this.#layout.stalledAt + STALLED_WORDS * index + 1);
  }

  /** And how: a `FAULT_*` code. */
  stalledAccess(index: number): number {
    return this.#access(this.#layout.stalledAt + STALLED_WORDS * index + 1);
  }

  /** Recorded faults. */
  get faults(): number {
    return Math.min(this.#words[AT_FAULTS]!, this.#layout.faults);
  }

  /** Faults for which there was no room. */
  get dropped(): number {
    return this.#words[AT_FAULTS]! - this.faults;
  }

  /** The byte address of a recorded fault. */
  faultAddress(index: number): number {
    return this.#address(this.#layout.faultsAt + 2 * index);
  }

  /** Its `FAULT_*` code. */
  faultAccess(index: number): number {
    return this.#access(this.#layout.faultsAt + 2 * index);
  }

  #address(at: number): number {
    const low = this.#words[at]!;
    return this.#wide ? (this.#words[at + 1]! >>> 2) * 2 ** 32 + low : low * 4;
  }

  #access(at: number): number {
    return this.#words[at + 1]! & 3;
  }
}

/** Runs units of a launch once; `use` gets what became of them. */
export async function runRound<T>(host: RoundHost, plan: RoundPlan, use: (outcome: RoundOutcome) => T): Promise<T> {
  const { stream, layout, control, params, indirect, settleKernel, addressBits } = host;
  const { kernel, how, retried, fresh, mmu } = plan;
  // What has to be waited for comes before anything is encoded.
  const first = await kernel.pipeline(how);
  const second = how === 'probe' ? await kernel.pipeline('commit') : undefined;
  const count = retried.length + fresh;
  writeParams(host, plan, count);
  const bindings = bind(host, plan, mmu.tableBuffer);
  const { encoder } = stream;
  encoder.clearBuffer(control, 0, layout.faultsAt * 4);
  encoder.clearBuffer(control, layout.seenAt * 4, (layout.stateAt - layout.seenAt) * 4);
  dispatch(encoder, first, bindings, (pass) => pass.dispatchWorkgroups(Math.min(count, ROW), Math.ceil(count / ROW)));
  if (how !== 'sure') settleKernel.run(count);
  if (second !== undefined) {
    encoder.copyBufferToBuffer(control, layout.readyAt * 4, params, LIST_AT * 4, count * 4);
    encoder.copyBufferToBuffer(control, AT_READY * 4, indirect, 0, 4);
    dispatch(encoder, second, bindings, (pass) => pass.dispatchWorkgroupsIndirect(indirect, 0));
  }
  const bytes = (how === 'sure' ? layout.faultsAt + 2 : layout.stalledAt + STALLED_WORDS * count) * 4;
  return stream.readBack(
    bytes,
    (staging) => stream.encoder.copyBufferToBuffer(control, 0, staging, 0, bytes),
    (read) => use(new RoundOutcome(new Uint32Array(read.buffer, read.byteOffset, bytes / 4), layout, addressBits)),
  );
}

function writeParams({ stream, params }: RoundHost, { command, retried, next }: RoundPlan, count: number): void {
  const { grid, args } = command;
  const words = new Uint32Array(LIST_AT + retried.length);
  words.set([count, retried.length, next, grid[0] * grid[1] * grid[2], ...grid]);
  const floats = new Float32Array(words.buffer);
  args.forEach((value, i) => {
    const at = PARAM_WORDS + 4 * i;
    words[at] = value;
    words[at + 1] = Math.floor(value / 2 ** 32);
    floats[at + 2] = value;
    words[at + 3] = Math.floor(value / 4);
  });
  words.set(retried, LIST_AT);
  stream.write(params, 0, words, 0, words.byteLength);
}

function bind(
  { stream, control, params, pool }: RoundHost,
  { kernel, mmu }: RoundPlan,
  table: GPUBuffer,
): GPUBindGroup {
  const from = kernel.deep ? 0 : 4 * FLAT_AT;
  const resources = [
    { buffer: table, offset: from },
    { buffer: mmu.bitsBuffer, offset: WORDS_AN_ENTRY * from },
    ...[control, params, ...pool.buffers].map((buffer) => ({ buffer })),
  ];
  const entries = resources.map((resource, binding) => ({ binding, resource }));
  return stream.device.createBindGroup({ layout: kernel.bindings, entries });
}

function dispatch(
  encoder: GPUCommandEncoder,
  pipeline: GPUComputePipeline,
  bindings: GPUBindGroup,
  start: (pass: GPUComputePassEncoder) => void,
): void {
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindings);
  start(pass);
  pass.end();
}
