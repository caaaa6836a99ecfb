import { FAULT_READ, PTE_READ, PTE_WRITE } from '@mirrorspace/core/driver';
import { levelsFor, UNIT } from '../table/radix.js';
import { AT_FAULTS, CODE_BITS, FAULT_WORDS, GUESS, SEEN } from './control.js';
import { type LibraryOptions, WORD_ADDRESS_BITS } from './options.js';

/** From addresses to words of frames, and what becomes of an access that finds no page. */
export function translation(options: LibraryOptions): string {
  const { addressBits, pageBytes, control } = options;
  const wide = addressBits > WORD_ADDRESS_BITS;
  const shift = Math.log2(pageBytes);
  const place = wide ? `((a.x >> ${shift}u) * 0x9e3779b1u) ^ (a.y * 0x85ebca6bu)` : `a >> ${shift - 2}u`;
  const pair = wide ? `vec2u(a.x, (a.y << ${CODE_BITS}u) | code)` : 'vec2u(a, code)';
  return `
// Whether this lane met a missing page. What follows may go by values that are not there yet, and says nothing.
var<private> ms_faulted: u32;
// Where faults are recorded: the first one of this lane, and the place of its unit.
var<private> ms_fault: vec2u;
var<private> ms_place: u32;
fn faulted() -> bool { return ms_faulted != 0u; }
fn ms_record(a: address, kind: u32) {
  let code = select(kind, kind | ${GUESS}u, ms_faulted != 0u);
  let fault = ${pair};
  if (ms_faulted == 0u) { ms_fault = fault; }
  ms_faulted = 1u;
  let key = ((${place}) << 3u) | code;
  if (atomicExchange(&ms_control[${control.seenAt}u + ((key * 0x9e3779b1u) >> ${32 - Math.log2(SEEN)}u)], key) == key) { return; }
  let i = atomicAdd(&ms_control[${AT_FAULTS}], 1u);
  if (i >= ${control.faults}u) { return; }
  let at = ${control.faultsAt}u + ${FAULT_WORDS}u * i;
  atomicStore(&ms_control[at], ms_place);
  atomicStore(&ms_control[at + 1u], fault.x);
  atomicStore(&ms_control[at + 2u], fault.y);
}
fn ms_slot(a: address) -> u32 {
${slot(options)}
}
${walk(options, 'load', PTE_READ)}
${walk(options, 'store', PTE_WRITE)}
${options.keepsPages ? keeping(options) : walking(options)}`;
}

/**
 * From an address to where its page begins in the pool. No branch keeps an access that finds no page from taking place: it goes to a
 * page of its own. An empty entry leads there by itself; where an entry is but forbids a store, the store is led there.
 */
function walk({ pageBytes, deep, table }: LibraryOptions, what: 'load' | 'store', needed: number): string {
  const none = deep ? 0 : table.flatPages;
  const page = `entry & ${(2 ** 32 - pageBytes / 4).toString()}u`;
  return `
fn ms_walk_to_${what}(a: address, kind: u32) -> u32 {
  let slot = ms_slot(a);
  let entry = ms_table[slot];
  let there = (entry & ${needed}u) != 0u;
  if (ms_records) { if (!there) { ms_record(a, kind); } } else { ms_faulted |= ~entry & ${needed}u; }
  if (ms_notes) { atomicStore(&ms_bits[2u * select(${none}u, slot, there) + ${needed >> 1}u], 1u); }
  return ${what === 'load' ? page : `select(0u, ${page}, there)`};
}`;
}

/** Where the entry of an address is; for an address outside, an entry that is always empty. */
function slot({ addressBits, pageBytes, table, deep }: LibraryOptions): string {
  const wide = addressBits > WORD_ADDRESS_BITS;
  const shift = Math.log2(pageBytes);
  const page = wide ? `(a.x >> ${shift}u) | (a.y << ${32 - shift}u)` : `a >> ${shift - 2}u`;
  if (!deep) {
    const within = `min(${page}, ${table.flatPages}u)`;
    return `  return ${wide ? `select(${table.flatPages}u, ${within}, (a.y >> ${shift}u) == 0u)` : within};`;
  }
  const steps: string[] = [];
  let above = addressBits - shift;
  for (const bits of levelsFor(above).slice(0, -1)) {
    above -= bits;
    const index = `(${pageBits(above, wide, shift)} & ${2 ** bits - 1}u)`;
    steps.push(`  unit = ms_table[${steps.length === 0 ? `${table.rootAt}u` : `unit * ${UNIT}u`} + ${index}];`);
  }
  const leaf = `unit * ${UNIT}u + ((${page}) & ${UNIT - 1}u)`;
  const outside = wide ? `(a.y >> ${addressBits - 32}u) != 0u` : `(a >> ${addressBits - 2}u) != 0u`;
  const all = !wide && addressBits === WORD_ADDRESS_BITS;
  return `  var unit = 0u;\n${steps.join('\n')}\n  return ${all ? leaf : `select(${leaf}, 0u, ${outside})`};`;
}

/** The page number shifted right by `above`, at least its low 32 bits. */
function pageBits(above: number, wide: boolean, shift: number): string {
  if (!wide) return `(a >> ${shift - 2 + above}u)`;
  const from = shift + above;
  if (from >= 32) return `(a.y >> ${from - 32}u)`;
  return `((a.x >> ${from}u) | (a.y << ${32 - from}u))`;
}

/** Every access walks. */
function walking({ pageBytes }: LibraryOptions): string {
  const offset = `(ms_word(a) & ${pageBytes / 4 - 1}u)`;
  return `
fn ms_to_load(a: address) -> u32 { return ms_walk_to_load(a, ${FAULT_READ}u) | ${offset}; }
fn ms_to_store(a: address, kind: u32) -> u32 { return ms_walk_to_store(a, kind) | ${offset}; }`;
}

/** Each lane keeps the pages that it translated last: a unit runs between changes of the table. */
function keeping({ addressBits, pageBytes }: LibraryOptions): string {
  const wide = addressBits > WORD_ADDRESS_BITS;
  const shift = Math.log2(pageBytes);
  // One more than the page number, so that nothing is told from page 0.
  const tag = wide ? `vec2u((a.x >> ${shift}u) + 1u, a.y)` : `(a >> ${shift - 2}u) + 1u`;
  const differs = (last: string) => (wide ? `any(${last} != ${tag})` : `${last} != ${tag}`);
  const type = wide ? 'vec2u' : 'u32';
  const offset = `(ms_word(a) & ${pageBytes / 4 - 1}u)`;
  return `
var<private> ms_load_tag: ${type};
var<private> ms_load_base: u32;
var<private> ms_store_tag: ${type};
var<private> ms_store_base: u32;
fn ms_to_load(a: address) -> u32 {
  if (${differs('ms_load_tag')}) {
    ms_load_base = ms_walk_to_load(a, ${FAULT_READ}u);
    ms_load_tag = ${tag};
  }
  return ms_load_base | ${offset};
}
fn ms_to_store(a: address, kind: u32) -> u32 {
  if (${differs('ms_store_tag')}) {
    ms_store_base = ms_walk_to_store(a, kind);
    ms_store_tag = ${tag};
  }
  return ms_store_base | ${offset};
}`;
}
