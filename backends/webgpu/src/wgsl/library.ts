import { FAULT_ATOMIC, FAULT_READ, FAULT_WRITE } from '@mirrorspace/core/driver';
import type { PoolShape } from '../frame-pool.js';
import { FRAME_SHIFT } from '../table/entries.js';
import { LEAF_BITS, levelsFor } from '../table/radix.js';
import {
  AT_BROKEN,
  AT_FAULTS,
  AT_READY,
  AT_RETIRED,
  AT_STALLED,
  type ControlLayout,
  MOST_ARGS,
  SEEN,
} from './control.js';

/** What the library is generated for. */
export interface LibraryOptions {
  /** Bits of a byte address. Up to 34, a program's addresses are 32-bit numbers of words; above, `vec2u` of low and high bits of a byte address. */
  readonly addressBits: number;
  /** Bytes of the smallest page. */
  readonly pageBytes: number;
  readonly pool: PoolShape;
  readonly control: ControlLayout;
  /** Whether the program uses atomic operations. */
  readonly atomics: boolean;
}

/** Bindings before those of the frames. */
export const FIRST_POOL_BINDING = 4;
/** Most bits of an address that a 32-bit number of words can hold. */
export const WORD_ADDRESS_BITS = 34;

/** The WGSL by which programs reach virtual memory. */
export function library(options: LibraryOptions): string {
  return [bindings(options), types(options), translation(options), frames(options), accessors(options)].join('\n');
}

function bindings({ pool, control, atomics }: LibraryOptions): string {
  const word = atomics ? 'atomic<u32>' : 'u32';
  const pools = Array.from(
    { length: pool.buffers },
    (_, i) => `@group(0) @binding(${FIRST_POOL_BINDING + i}) var<storage, read_write> ms_pool${i}: array<${word}>;`,
  );
  return `
struct ms_Params { count: u32, listed: u32, next: u32, total: u32, grid: vec3u, pad0: u32, pad1: vec4u, args: array<vec4u, ${MOST_ARGS}> }
@group(0) @binding(0) var<storage, read> ms_table: array<u32>;
@group(0) @binding(1) var<storage, read_write> ms_bits: array<atomic<u32>>;
@group(0) @binding(2) var<storage, read_write> ms_control: array<atomic<u32>, ${control.words}>;
@group(0) @binding(3) var<uniform> ms_params: ms_Params;
${pools.join('\n')}
override ms_stores: bool = true;
var<private> ms_faulted: bool;
var<private> ms_fault_kind: u32;
const ms_none = 0xffffffffu;`;
}

function types({ addressBits }: LibraryOptions): string {
  const wide = addressBits > WORD_ADDRESS_BITS;
  return `
alias address = ${wide ? 'vec2u' : 'u32'};
struct Unit { id: vec3u, index: u32, grid: vec3u, lane: u32, lane_id: vec3u }
fn arg_u32(i: u32) -> u32 { return ms_params.args[i].x; }
fn arg_i32(i: u32) -> i32 { return bitcast<i32>(ms_params.args[i].x); }
fn arg_f32(i: u32) -> f32 { return bitcast<f32>(ms_params.args[i].z); }
fn arg_words(i: u32) -> u32 { return ms_params.args[i].w; }
fn arg_address(i: u32) -> address { return ${wide ? 'ms_params.args[i].xy' : 'ms_params.args[i].w'}; }
${
  wide
    ? `fn advance(a: address, words: u32) -> address { let low = a.x + words * 4u; return vec2u(low, a.y + (words >> 30u) + select(0u, 1u, low < a.x)); }
fn ms_word(a: address) -> u32 { return a.x >> 2u; }`
    : `fn advance(a: address, words: u32) -> address { return a + words; }
fn ms_word(a: address) -> u32 { return a; }`
}`;
}

function translation({ addressBits, pageBytes, control, pool }: LibraryOptions): string {
  const wide = addressBits > WORD_ADDRESS_BITS;
  const shift = Math.log2(pageBytes);
  const low = wide ? `(a.x >> ${shift}u) | (a.y << ${32 - shift}u)` : `a >> ${shift - 2}u`;
  const levels = levelsFor(addressBits - shift);
  const steps: string[] = [];
  let above = addressBits - shift;
  for (const bits of levels.slice(0, -1)) {
    above -= bits;
    const index = `${pageBits(above, wide, shift)} & ${2 ** bits - 1}u`;
    const at = steps.length === 0 ? `(${index})` : `unit * ${2 ** LEAF_BITS}u + (${index})`;
    steps.push(`  unit = ms_table[${at}]; if (unit == 0u) { return 0u; }`);
  }
  const leaf = `(${low}) & ${2 ** LEAF_BITS - 1}u`;
  const words = pageBytes / 4;
  // One more than the page number, so that nothing is told from page 0.
  const tag = wide ? `vec2u((a.x >> ${shift}u) + 1u, a.y)` : `(a >> ${shift - 2}u) + 1u`;
  const differs = (last: string) => (wide ? `any(${last} != ${tag})` : `${last} != ${tag}`);
  const sink = pool.memory / 4;
  const record = wide ? 'vec2u(a.x, (a.y << 2u) | kind)' : 'vec2u(a, kind)';
  const mixed = wide
    ? `((a.x >> ${shift}u) * 0x9e3779b1u) ^ (a.y * 0x85ebca6bu) ^ (kind << 30u)`
    : `((a >> ${shift - 2}u) << 2u) | kind`;
  return `
var<private> ms_fault_at: address;
// The pages that this lane translated last: a unit runs between changes of the table.
var<private> ms_load_tag: ${wide ? 'vec2u' : 'u32'};
var<private> ms_load_base: u32;
var<private> ms_store_tag: ${wide ? 'vec2u' : 'u32'};
var<private> ms_store_base: u32;
fn ms_find(a: address) -> u32 {
  var unit = 0u;
${steps.join('\n')}
  return unit * ${2 ** LEAF_BITS}u + (${leaf});
}
fn faulted() -> bool { return ms_faulted; }
// Reports what this lane met, once the unit is through: accesses themselves stay short.
fn ms_report() {
  let a = ms_fault_at;
  let kind = ms_fault_kind;
  let key = ${mixed};
  let place = ${control.seenAt}u + ((key * 0x9e3779b1u) >> ${32 - Math.log2(SEEN)}u);
  if (atomicExchange(&ms_control[place], key) == key) { return; }
  let i = atomicAdd(&ms_control[${AT_FAULTS}], 1u);
  if (i >= ${control.faults}u) { return; }
  let fault = ${record};
  atomicStore(&ms_control[${control.faultsAt}u + 2u * i], fault.x);
  atomicStore(&ms_control[${control.faultsAt}u + 2u * i + 1u], fault.y);
}
// Where nothing is mapped, an access goes to a page of its own: it has no effect, and no branch has to keep it from having one.
fn ms_walk(a: address, needed: u32, kind: u32) -> u32 {
  let slot = ms_find(a);
  let entry = select(0u, ms_table[slot], slot != 0u);
  if ((entry & needed) == 0u) {
    // What follows a fault may go by values that are not there yet: where it leads says nothing.
    if (!ms_faulted) { ms_fault_at = a; ms_fault_kind = kind; }
    ms_faulted = true;
    return ${sink}u;
  }
  if (ms_stores) {
    let bits = select(3u, 1u, kind == ${FAULT_READ}u);
    if ((atomicLoad(&ms_bits[slot]) & bits) != bits) { atomicOr(&ms_bits[slot], bits); }
  }
  return (entry >> ${FRAME_SHIFT}u) << ${shift - 2}u;
}
fn ms_to_load(a: address) -> u32 {
  if (${differs('ms_load_tag')}) {
    ms_load_base = ms_walk(a, 1u, ${FAULT_READ}u);
    ms_load_tag = ${tag};
  }
  return ms_load_base | (ms_word(a) & ${words - 1}u);
}
fn ms_to_store(a: address, kind: u32) -> u32 {
  if (${differs('ms_store_tag')}) {
    ms_store_base = ms_walk(a, 2u, kind);
    ms_store_tag = ${tag};
  }
  return ms_store_base | (ms_word(a) & ${words - 1}u);
}`;
}

/** The page number shifted right by `above`, at least its low 32 bits. */
function pageBits(above: number, wide: boolean, shift: number): string {
  if (!wide) return `(a >> ${shift - 2 + above}u)`;
  const from = shift + above;
  if (from >= 32) return `(a.y >> ${from - 32}u)`;
  return `((a.x >> ${from}u) | (a.y << ${32 - from}u))`;
}

/** Words of frames, wherever they lie. */
function frames({ pool, atomics }: LibraryOptions): string {
  const words = pool.bufferBytes / 4;
  const pick = (each: (name: string) => string, otherwise: string) => {
    if (pool.buffers === 1) return each('ms_pool0');
    const cases = Array.from({ length: pool.buffers }, (_, i) => `case ${i}u: { ${each(`ms_pool${i}`)} }`);
    return `switch (w / ${words}u) { ${cases.join(' ')} default: { ${otherwise} } }`;
  };
  const at = pool.buffers === 1 ? 'w' : `w % ${words}u`;
  const get = pick(
    (name) => (atomics ? `return atomicLoad(&${name}[${at}]);` : `return ${name}[${at}];`),
    'return 0u;',
  );
  const put = pick((name) => (atomics ? `atomicStore(&${name}[${at}], value);` : `${name}[${at}] = value;`), '');
  const operations = ['Add', 'Min', 'Max', 'And', 'Or', 'Xor', 'Exchange'].map(
    (name) =>
      `fn ms_atomic${name}(w: u32, value: u32) -> u32 { ${pick((buffer) => `return atomic${name}(&${buffer}[${at}], value);`, 'return 0u;')} }`,
  );
  const compare = pick(
    (buffer) => `return atomicCompareExchangeWeak(&${buffer}[${at}], expected, value).old_value;`,
    'return 0u;',
  );
  return `
fn ms_get(w: u32) -> u32 { ${get} }
fn ms_put(w: u32, value: u32) { ${put} }
${atomics ? `${operations.join('\n')}\nfn ms_compareExchange(w: u32, expected: u32, value: u32) -> u32 { ${compare} }` : ''}`;
}

function accessors({ atomics, pageBytes }: LibraryOptions): string {
  const plain = ['i32', 'f32'].map(
    (type) => `
fn load_${type}(a: address) -> ${type} { return bitcast<${type}>(load_u32(a)); }
fn store_${type}(a: address, value: ${type}) { store_u32(a, bitcast<u32>(value)); }`,
  );
  const vectors = [2, 3, 4].flatMap((n) =>
    ['u', 'i', 'f'].map((kind) => {
      const scalar = `${kind}32`;
      const parts = Array.from({ length: n }, (_, i) => `load_${scalar}(${i === 0 ? 'a' : `advance(a, ${i}u)`})`);
      const stores = Array.from(
        { length: n },
        (_, i) => `store_${scalar}(${i === 0 ? 'a' : `advance(a, ${i}u)`}, value[${i}]);`,
      );
      return `
fn load_vec${n}${kind}(a: address) -> vec${n}${kind} { return vec${n}${kind}(${parts.join(', ')}); }
fn store_vec${n}${kind}(a: address, value: vec${n}${kind}) { ${stores.join(' ')} }`;
    }),
  );
  const operations = ['Add', 'Min', 'Max', 'And', 'Or', 'Xor', 'Exchange'].map(
    (name) => `
fn atomic${name}_u32(a: address, value: u32) -> u32 {
  let w = ms_to_store(a, ${FAULT_ATOMIC}u);
  if (!ms_stores) { return ms_get(w); }
  return ms_atomic${name}(w, value);
}`,
  );
  const compare = `
fn atomicCompareExchange_u32(a: address, expected: u32, value: u32) -> u32 {
  let w = ms_to_store(a, ${FAULT_ATOMIC}u);
  if (!ms_stores) { return ms_get(w); }
  return ms_compareExchange(w, expected, value);
}`;
  return `
const page_words = ${pageBytes / 4}u;
// A page translated once: words of it are reached by their number in the page.
struct Page { base: u32 }
fn page_to_load(a: address) -> Page { return Page(ms_to_load(a) & ~(page_words - 1u)); }
fn page_to_store(a: address) -> Page { return Page(ms_to_store(a, ${FAULT_WRITE}u) & ~(page_words - 1u)); }
fn load_in_u32(page: Page, i: u32) -> u32 { return ms_get(page.base | (i & (page_words - 1u))); }
fn store_in_u32(page: Page, i: u32, value: u32) {
  if (ms_stores) { ms_put(page.base | (i & (page_words - 1u)), value); }
}
fn load_in_i32(page: Page, i: u32) -> i32 { return bitcast<i32>(load_in_u32(page, i)); }
fn load_in_f32(page: Page, i: u32) -> f32 { return bitcast<f32>(load_in_u32(page, i)); }
fn store_in_i32(page: Page, i: u32, value: i32) { store_in_u32(page, i, bitcast<u32>(value)); }
fn store_in_f32(page: Page, i: u32, value: f32) { store_in_u32(page, i, bitcast<u32>(value)); }
fn load_u32(a: address) -> u32 { return ms_get(ms_to_load(a)); }
fn store_u32(a: address, value: u32) {
  let w = ms_to_store(a, ${FAULT_WRITE}u);
  if (ms_stores) { ms_put(w, value); }
}${plain.join('')}${vectors.join('')}${atomics ? operations.join('') + compare : ''}`;
}

/** The entry point: which unit this is, the program's own function, and what becomes of the unit. */
export function entryPoint(lanes: readonly [number, number, number], control: ControlLayout): string {
  return `
override ms_from_ready: bool = false;
override ms_commits: bool = true;
override ms_may_stall: bool = true;
var<workgroup> ms_unit: u32;
var<workgroup> ms_any_fault: atomic<u32>;
@compute @workgroup_size(${lanes.join(', ')})
fn ms_main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_id) lane_id: vec3u, @builtin(local_invocation_index) lane: u32) {
  if (lane == 0u) {
    let i = group.x + group.y * groups.x;
    var unit = ms_none;
    if (ms_from_ready) { unit = atomicLoad(&ms_control[${control.readyAt}u + i]); }
    else if (i < ms_params.listed) { unit = atomicLoad(&ms_control[${control.listAt}u + i]); }
    else if (i < ms_params.count) { unit = ms_params.next + i - ms_params.listed; }
    ms_unit = unit;
  }
  let index = workgroupUniformLoad(&ms_unit);
  if (index == ms_none) { return; }
  let grid = ms_params.grid;
  let row = index / grid.x;
  run(Unit(vec3u(index - row * grid.x, row % grid.y, row / grid.y), index, grid, lane, lane_id));
  if (ms_faulted) { ms_report(); atomicStore(&ms_any_fault, 1u); }
  workgroupBarrier();
  if (lane != 0u) { return; }
  if (atomicLoad(&ms_any_fault) != 0u) {
    if (ms_may_stall) {
      let at = atomicAdd(&ms_control[${AT_STALLED}], 1u);
      atomicStore(&ms_control[${control.stalledAt}u + at], index);
    } else { atomicStore(&ms_control[${AT_BROKEN}], index + 1u); }
  } else if (!ms_commits) {
    let at = atomicAdd(&ms_control[${AT_READY}], 1u);
    atomicStore(&ms_control[${control.readyAt}u + at], index);
  } else { atomicAdd(&ms_control[${AT_RETIRED}], 1u); }
}`;
}
