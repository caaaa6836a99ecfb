import { findGpu } from '@mirrorspace/webgpu';

/** A GPU device, with all that its adapter has of what limits memory, that peers and subjects share. */
export async function openGpu(): Promise<GPUDevice> {
  const adapter = (await (await findGpu())?.requestAdapter()) ?? null;
  if (adapter === null) throw new Error('no WebGPU adapter here; see backends/webgpu/README.md');
  const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = adapter.limits;
  return adapter.requestDevice({
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage },
  });
}

const STORAGE = 0x80 | 0x4 | 0x8;

/** A storage buffer that can be copied from and to. */
export function storageBuffer(gpu: GPUDevice, size: number): GPUBuffer {
  return gpu.createBuffer({ size, usage: STORAGE });
}

/** A hand-written dispatch: WGSL with an entry point `main`, over buffers at bindings 0, 1 … */
export class RawKernel {
  readonly #gpu: GPUDevice;
  readonly #pipeline: GPUComputePipeline;
  readonly #bindings: GPUBindGroup;
  readonly #groups: number;

  private constructor(gpu: GPUDevice, pipeline: GPUComputePipeline, buffers: readonly GPUBuffer[], groups: number) {
    this.#gpu = gpu;
    this.#pipeline = pipeline;
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    this.#bindings = gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    this.#groups = groups;
  }

  static async create(gpu: GPUDevice, code: string, buffers: readonly GPUBuffer[], groups: number): Promise<RawKernel> {
    const module = gpu.createShaderModule({ code });
    const pipeline = await gpu.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
    return new RawKernel(gpu, pipeline, buffers, groups);
  }

  /** Dispatches; resolves when the GPU is done. */
  run(): Promise<undefined> {
    const encoder = this.#gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(this.#pipeline);
    pass.setBindGroup(0, this.#bindings);
    pass.dispatchWorkgroups(this.#groups);
    pass.end();
    this.#gpu.queue.submit([encoder.finish()]);
    return this.#gpu.queue.onSubmittedWorkDone() as Promise<undefined>;
  }
}
