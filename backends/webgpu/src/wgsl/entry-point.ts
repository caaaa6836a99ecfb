import { AT_BROKEN, type ControlLayout, FAULT_WORDS } from './control.js';

/**
 * The entry point: which unit this is, the program's own function, and a note if it met a fault. Nothing is waited for and nothing is counted by
 * units that meet none: what became of each is found out afterwards.
 */
export function entryPoint(lanes: readonly [number, number, number], control: ControlLayout): string {
  return `
// Whether the units are those of the list and no others; whether a fault breaks the launch.
override ms_listed_only: bool = false;
override ms_may_stall: bool = true;
@compute @workgroup_size(${lanes.join(', ')})
fn ms_main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_id) lane_id: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = group.x + group.y * groups.x;
  if (i >= ms_params.count) { return; }
  var index = 0u;
  if (ms_listed_only) { index = ms_params.list[i >> 2u][i & 3u]; } else { index = ms_nth(i); }
  let grid = ms_params.grid;
  let row = index / grid.x;
  ms_place = i;
  run(Unit(vec3u(index - row * grid.x, row % grid.y, row / grid.y), index, grid, lane, lane_id));
  if (!faulted()) { return; }
  if (ms_records) {
    // One lane's first fault stands for the unit.
    let at = ${control.stalledAt}u + ${FAULT_WORDS}u * i;
    if (atomicExchange(&ms_control[at], 1u) != 0u) { return; }
    atomicStore(&ms_control[at + 1u], ms_fault.x);
    atomicStore(&ms_control[at + 2u], ms_fault.y);
  } else if (ms_may_stall) {
    atomicStore(&ms_control[${control.stateAt}u + i], 1u);
  } else { atomicStore(&ms_control[${AT_BROKEN}], index + 1u); }
}`;
}
