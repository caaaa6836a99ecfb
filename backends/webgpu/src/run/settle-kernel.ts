import type { Stream } from '../gpu/stream.js';
import { AT_READY, AT_STALLED, type ControlLayout, PARAMS } from '../wgsl/control.js';

const GROUP = 64;

/** After units ran: those that met a fault go to one list, the others to another. */
function code(control: ControlLayout): string {
  return `${PARAMS}
@group(0) @binding(0) var<storage, read_write> control: array<atomic<u32>, ${control.words}>;
@group(0) @binding(1) var<uniform> ms_params: ms_Params;
@compute @workgroup_size(${GROUP})
fn settle(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= ms_params.count) { return; }
  let unit = ms_nth(i);
  if (atomicExchange(&control[${control.stateAt}u + i], 0u) == 0u) {
    atomicStore(&control[${control.readyAt}u + atomicAdd(&control[${AT_READY}], 1u)], unit);
  } else {
    atomicStore(&control[${control.stalledAt}u + atomicAdd(&control[${AT_STALLED}], 1u)], unit);
  }
}`;
}

/** Sorts the units of a round into those that are ready and those that are stalled. */
export class SettleKernel {
  readonly #pipeline: GPUComputePipeline;
  readonly #bindings: GPUBindGroup;
  readonly #stream: Stream;

  constructor(stream: Stream, layout: ControlLayout, control: GPUBuffer, params: GPUBuffer) {
    const { device } = stream;
    this.#stream = stream;
    const module = device.createShaderModule({ label: 'mirrorspace settle', code: code(layout) });
    this.#pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'settle' } });
    const entries = [control, params].map((buffer, binding) => ({ binding, resource: { buffer } }));
    this.#bindings = device.createBindGroup({ layout: this.#pipeline.getBindGroupLayout(0), entries });
  }

  /** Encodes the work for a round of `count` units. */
  run(count: number): void {
    const pass = this.#stream.encoder.beginComputePass();
    pass.setPipeline(this.#pipeline);
    pass.setBindGroup(0, this.#bindings);
    pass.dispatchWorkgroups(Math.ceil(count / GROUP));
    pass.end();
  }
}
