import type { Stream } from '../gpu/stream.js';
import { AT_READY, AT_STALLED, type ControlLayout, PARAMS, STALLED_WORDS, STATE_WORDS } from '../wgsl/control.js';

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
  let state = ${control.stateAt}u + ${STATE_WORDS}u * i;
  if (atomicExchange(&control[state], 0u) == 0u) {
    let at = atomicAdd(&control[${AT_READY}], 1u);
    atomicStore(&control[${control.readyAt}u + at], unit);
    return;
  }
  let at = ${control.stalledAt}u + ${STALLED_WORDS}u * atomicAdd(&control[${AT_STALLED}], 1u);
  atomicStore(&control[at], unit);
  atomicStore(&control[at + 1u], atomicLoad(&control[state + 1u]));
  atomicStore(&control[at + 2u], atomicLoad(&control[state + 2u]));
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
