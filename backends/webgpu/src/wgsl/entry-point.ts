import { AT_BROKEN, type ControlLayout, STATE_WORDS } from './control.js';

/**
 * The entry point: which unit this is, the program's own function, and a note if it met a fault. Nothing is waited for and nothing is counted by
 * units that meet none: what became of each is found out afterwards.
 */
export function entryPoint(lanes: readonly [number, number, number], control: ControlLayout): string {
  return `
// Whether the units are those that were found ready; whether a fault is noted for the unit, or breaks the launch.
override ms_ready_only: bool = false;
override ms_may_stall: bool = true;
@compute @workgroup_size(${lanes.join(', ')})
fn ms_main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_id) lane_id: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = group.x + group.y * groups.x;
  if (i >= ms_params.count) { return; }
  var index = 0u;
  if (ms_ready_only) { index = ms_params.list[i >> 2u][i & 3u]; } else { index = ms_nth(i); }
  let grid = ms_params.grid;
  let row = index / grid.x;
  run(Unit(vec3u(index - row * grid.x, row % grid.y, row / grid.y), index, grid, lane, lane_id));
  if (!faulted()) { return; }
  if (ms_records) { ms_report(); }
  if (!ms_may_stall) {
    atomicStore(&ms_control[${AT_BROKEN}], index + 1u);
    return;
  }
  let at = ${control.stateAt}u + ${STATE_WORDS}u * i;
  if (atomicExchange(&ms_control[at], 1u) != 0u) { return; }
  let fault = ms_fault();
  atomicStore(&ms_control[at + 1u], fault.x);
  atomicStore(&ms_control[at + 2u], fault.y);
}`;
}
