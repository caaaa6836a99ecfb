import { MirrorError } from '@mirrorspace/core/driver';
import type { WgslProgram } from '@mirrorspace/core/driver';
import { lanesOf } from '../program.js';
import { entryPoint } from './entry-point.js';
import { library } from './library.js';
import type { LibraryOptions } from './options.js';

/** How units are run: see {@link WAYS}. */
export type Way = keyof typeof WAYS;

/** The ways to run units. */
const WAYS = {
  /** Without effect, to see which meet no fault. */
  probe: { ms_stores: 0, ms_notes: 0 },
  /** Those that are ready: a fault breaks the launch. */
  commit: { ms_listed_only: 1, ms_may_stall: 0 },
  /** Those that may run again: they take effect as far as they come. */
  direct: {},
  /** Those of which it is known what they access, and that it is there: a fault breaks the launch. Nothing is noted. */
  sure: { ms_notes: 0, ms_may_stall: 0 },
  /** Without effect, to record the faults that they meet. */
  scout: { ms_stores: 0, ms_notes: 0, ms_records: 1, ms_listed_only: 1 },
} as const;

/** A program made ready for a device and a kind of table. */
export class Kernel {
  readonly bindings: GPUBindGroupLayout;
  /** Whether it walks a table with more than the entries of the first pages. */
  readonly deep: boolean;
  readonly #device: GPUDevice;
  readonly #module: GPUShaderModule;
  readonly #layout: GPUPipelineLayout;
  readonly #pipelines = new Map<Way, Promise<GPUComputePipeline>>();
  readonly #ready = new Set<Way>();

  constructor(device: GPUDevice, module: GPUShaderModule, bindings: GPUBindGroupLayout, deep: boolean) {
    this.deep = deep;
    this.#device = device;
    this.#module = module;
    this.bindings = bindings;
    this.#layout = device.createPipelineLayout({ bindGroupLayouts: [bindings] });
  }

  /** The pipeline that runs units in a way. @throws MirrorError `PROGRAM` if the adapter cannot */
  pipeline(way: Way): Promise<GPUComputePipeline> {
    let pipeline = this.#pipelines.get(way);
    if (pipeline === undefined) {
      pipeline = this.#create(way);
      this.#pipelines.set(way, pipeline);
    }
    return pipeline;
  }

  /** Whether all of the pipelines are there. */
  isReady(ways: readonly Way[]): boolean {
    return ways.every((way) => this.#ready.has(way));
  }

  /** Makes pipelines. @throws MirrorError `PROGRAM` if the adapter cannot */
  async prepare(ways: readonly Way[]): Promise<void> {
    await Promise.all(ways.map((way) => this.pipeline(way)));
  }

  async #create(way: Way): Promise<GPUComputePipeline> {
    const compute = { module: this.#module, entryPoint: 'ms_main', constants: WAYS[way] };
    try {
      const pipeline = await this.#device.createComputePipelineAsync({ layout: this.#layout, compute });
      this.#ready.add(way);
      return pipeline;
    } catch (cause) {
      throw new MirrorError('PROGRAM', `a wgsl program does not fit this adapter: ${messageOf(cause)}`, { cause });
    }
  }
}

/** Compiles a program. @throws MirrorError `PROGRAM` with what is wrong, at which line of the program's code */
export async function compile(
  device: GPUDevice,
  program: WgslProgram,
  options: Omit<LibraryOptions, 'atomics'>,
  bindings: GPUBindGroupLayout,
): Promise<Kernel> {
  const lanes = lanesOf(program, device.limits.maxComputeInvocationsPerWorkgroup);
  const before = `${library({ ...options, atomics: /\batomic[A-Z]\w*_u32\b/.test(program.code) })}\n`;
  const code = `${before}${program.code}\n${entryPoint(lanes, options.control)}`;
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: 'mirrorspace program', code });
  const [info, failure] = await Promise.all([module.getCompilationInfo(), device.popErrorScope()]);
  const errors = info.messages.filter(({ type }) => type === 'error');
  if (errors.length > 0 || failure !== null) throw doesNotCompile(errors, lineCount(before), failure);
  return new Kernel(device, module, bindings, options.deep);
}

function doesNotCompile(
  errors: readonly GPUCompilationMessage[],
  linesBefore: number,
  failure: GPUError | null,
): MirrorError {
  const lines = errors.map(({ lineNum, linePos, message }) => `line ${lineNum - linesBefore}:${linePos}: ${message}`);
  const what = lines.length > 0 ? lines.join('; ') : (failure?.message ?? 'no reason given');
  return new MirrorError('PROGRAM', `a wgsl program does not compile: ${what}`, { cause: failure ?? undefined });
}

function lineCount(text: string): number {
  return text.split('\n').length - 1;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
