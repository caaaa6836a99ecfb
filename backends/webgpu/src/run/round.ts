import type { LaunchCommand } from '@mirrorspace/core/driver';
import type { FramePool } from '../frame-pool.js';
import type { Stream } from '../gpu/stream.js';
import { type WebgpuMmu, WORDS_AN_ENTRY } from '../table/mmu.js';
import { FLAT_AT } from '../table/radix.js';
import {
  AT_BROKEN,
  AT_READY,
  AT_STALLED,
  type ControlLayout,
  FAULT_WORDS,
  LIST_AT,
  PARAM_WORDS,
} from '../wgsl/control.js';
import type { Kernel } from '../wgsl/kernel.js';
import { ScoutReport } from './scout-report.js';
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

/** A launch, made ready for its MMU. */
export interface RoundLaunch {
  readonly command: LaunchCommand;
  readonly mmu: WebgpuMmu;
  readonly kernel: Kernel;
}

/** Which units run, and how. */
export interface RoundUnits {
  readonly how: 'probe' | 'direct' | 'sure';
  /** Units that run again. */
  readonly retried: Uint32Array;
  /** The first unit that runs for the first time, and how many. */
  readonly next: number;
  readonly fresh: number;
}

/** What became of units. */
export interface RoundOutcome {
  /** How many took effect. */
  readonly ready: number;
  /** A unit that met a fault where none may be. */
  readonly broken: number | undefined;
  /** Units that met a fault, in any order; valid during the call that gets it. */
  readonly stalled: Uint32Array;
}

/** Runs units of a launch once; `use` gets what became of them. */
export async function runUnits<T>(
  host: RoundHost,
  launch: RoundLaunch,
  { how, retried, next, fresh }: RoundUnits,
  use: (outcome: RoundOutcome) => T,
): Promise<T> {
  const { stream, layout, control, params, indirect, settleKernel } = host;
  const { kernel, mmu } = launch;
  // What has to be waited for comes before anything is encoded.
  const first = await kernel.pipeline(how);
  const second = how === 'probe' ? await kernel.pipeline('commit') : undefined;
  return stream.guard(() => {
    const count = retried.length + fresh;
    if (how !== 'sure') mmu.touch();
    writeParams(host, launch, retried, next, fresh);
    const bindings = bind(host, launch, mmu.tableBuffer);
    const { encoder } = stream;
    encoder.clearBuffer(control, 0, layout.stalledAt * 4);
    dispatch(encoder, first, bindings, (pass) => pass.dispatchWorkgroups(Math.min(count, ROW), Math.ceil(count / ROW)));
    if (how !== 'sure') settleKernel.run(count);
    if (second !== undefined) {
      encoder.copyBufferToBuffer(control, layout.readyAt * 4, params, LIST_AT * 4, count * 4);
      encoder.copyBufferToBuffer(control, AT_READY * 4, indirect, 0, 4);
      dispatch(encoder, second, bindings, (pass) => pass.dispatchWorkgroupsIndirect(indirect, 0));
    }
    const bytes = (layout.stalledAt + (how === 'sure' ? 0 : count)) * 4;
    const copy = (staging: GPUBuffer) => stream.encoder.copyBufferToBuffer(control, 0, staging, 0, bytes);
    return stream.readBack(bytes, copy, (read) => {
      const words = new Uint32Array(read.buffer, read.byteOffset, bytes / 4);
      const broken = words[AT_BROKEN] === 0 ? undefined : words[AT_BROKEN]! - 1;
      const stalled = words.subarray(layout.stalledAt, layout.stalledAt + words[AT_STALLED]!);
      return use({ ready: how === 'sure' ? count : words[AT_READY]!, broken, stalled });
    });
  });
}

/** Runs units without effect and records the faults that they meet; `use` gets those. */
export async function scoutUnits<T>(
  host: RoundHost,
  launch: RoundLaunch,
  units: Uint32Array,
  use: (report: ScoutReport) => T,
): Promise<T> {
  const { stream, layout, control, addressBits } = host;
  const { kernel, mmu } = launch;
  const pipeline = await kernel.pipeline('scout');
  return stream.guard(() => {
    writeParams(host, launch, units, 0, 0);
    const bindings = bind(host, launch, mmu.tableBuffer);
    const { encoder } = stream;
    const records = (layout.stalledAt + FAULT_WORDS * units.length) * 4;
    const faults = FAULT_WORDS * layout.faults * 4;
    encoder.clearBuffer(control, 0, records);
    encoder.clearBuffer(control, layout.seenAt * 4, (layout.readyAt - layout.seenAt) * 4);
    dispatch(encoder, pipeline, bindings, (pass) => pass.dispatchWorkgroups(units.length));
    const copy = (staging: GPUBuffer) => {
      stream.encoder.copyBufferToBuffer(control, 0, staging, 0, records);
      stream.encoder.copyBufferToBuffer(control, layout.faultsAt * 4, staging, records, faults);
    };
    return stream.readBack(records + faults, copy, (read) => {
      const words = new Uint32Array(read.buffer, read.byteOffset, (records + faults) / 4);
      return use(new ScoutReport(words, units.length, layout, addressBits));
    });
  });
}

function writeParams(
  { stream, params }: RoundHost,
  { command: { grid, args } }: RoundLaunch,
  listed: Uint32Array,
  next: number,
  fresh: number,
): void {
  const words = new Uint32Array(LIST_AT + listed.length);
  words.set([listed.length + fresh, listed.length, next, 0, ...grid]);
  const floats = new Float32Array(words.buffer);
  args.forEach((value, i) => {
    const at = PARAM_WORDS + 4 * i;
    words[at] = value;
    words[at + 1] = Math.floor(value / 2 ** 32);
    floats[at + 2] = value;
    words[at + 3] = Math.floor(value / 4);
  });
  words.set(listed, LIST_AT);
  stream.write(params, 0, words, 0, words.byteLength);
}

function bind(
  { stream, control, params, pool }: RoundHost,
  { kernel, mmu }: RoundLaunch,
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
