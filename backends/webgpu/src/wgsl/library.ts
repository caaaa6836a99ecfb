import { accessors } from './accessors.js';
import { PARAMS } from './control.js';
import { frames } from './frames.js';
import { FIRST_POOL_BINDING, type LibraryOptions, WORD_ADDRESS_BITS } from './options.js';
import { translation } from './translation.js';

/** The WGSL by which programs reach virtual memory. */
export function library(options: LibraryOptions): string {
  return [bindings(options), types(options), translation(options), frames(options), accessors(options)].join('\n');
}

/** Programs for a flat table see it from its first page on. Arrays have a size wherever it is known: what checks the index is then a comparison with a constant. */
function bindings({ pool, control, atomics, table, deep }: LibraryOptions): string {
  const word = atomics ? 'atomic<u32>' : 'u32';
  const pools = Array.from({ length: pool.buffers }, (_, i) => {
    const words = Math.min(pool.bufferBytes, pool.bytes - i * pool.bufferBytes) / 4;
    return `@group(0) @binding(${FIRST_POOL_BINDING + i}) var<storage, read_write> ms_pool${i}: array<${word}, ${words}>;`;
  });
  const entries = (each: number) => (deep ? '' : `, ${each * (table.flatPages + 1)}`);
  return `${PARAMS}
@group(0) @binding(0) var<storage, read> ms_table: array<u32${entries(1)}>;
@group(0) @binding(1) var<storage, read_write> ms_bits: array<atomic<u32>${entries(2)}>;
@group(0) @binding(2) var<storage, read_write> ms_control: array<atomic<u32>, ${control.words}>;
@group(0) @binding(3) var<uniform> ms_params: ms_Params;
${pools.join('\n')}
// Whether stores take effect; whether accesses are noted in the bits; whether faults are recorded.
override ms_stores: bool = true;
override ms_notes: bool = true;
override ms_records: bool = false;
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
