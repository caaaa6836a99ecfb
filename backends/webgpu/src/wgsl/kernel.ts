import { MirrorError } from '@mirrorspace/core/driver';
import type { WgslProgram } from '@mirrorspace/core/driver';
import { lanesOf } from '../program.js';
import { entryPoint, library, type LibraryOptions } from './library.js';

/** A program made ready for a device: one pipeline for each way to run a unit. */
export interface Kernel {
  /** Runs units without effect: they end as ready, or as stalled. */
  readonly probe: GPUComputePipeline;
  /** Runs ready units: a fault breaks the launch. */
  readonly commit: GPUComputePipeline;
  /** Runs units whose pages are all there: a fault breaks the launch. */
  readonly sure: GPUComputePipeline;
  /** Runs units that may run again. */
  readonly direct: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Compiles a program. @throws MirrorError `PROGRAM` with what is wrong, at which line of the program's code */
export async function compile(
  device: GPUDevice,
  program: WgslProgram,
  options: Omit<LibraryOptions, 'atomics'>,
  layout: GPUBindGroupLayout,
): Promise<Kernel> {
  const lanes = lanesOf(program, device.limits.maxComputeInvocationsPerWorkgroup);
  const before = `${library({ ...options, atomics: /\batomic[A-Z]\w*_u32\b/.test(program.code) })}\n`;
  const code = `${before}${program.code}\n${entryPoint(lanes, options.control)}`;
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: 'mirrorspace program', code });
  const [info, failure] = await Promise.all([module.getCompilationInfo(), device.popErrorScope()]);
  const errors = info.messages.filter(({ type }) => type === 'error');
  if (errors.length > 0 || failure !== null) throw doesNotCompile(errors, lineCount(before), failure);
  const pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [layout] });
  const pipeline = (constants: Record<string, number>) =>
    device.createComputePipelineAsync({
      layout: pipelineLayout,
      compute: { module, entryPoint: 'ms_main', constants },
    });
  try {
    const [probe, commit, sure, direct] = await Promise.all([
      pipeline({ ms_stores: 0, ms_commits: 0 }),
      pipeline({ ms_from_ready: 1, ms_may_stall: 0 }),
      pipeline({ ms_may_stall: 0 }),
      pipeline({}),
    ]);
    return { probe, commit, sure, direct, layout };
  } catch (cause) {
    throw new MirrorError('PROGRAM', `a wgsl program does not fit this adapter: ${messageOf(cause)}`, { cause });
  }
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
