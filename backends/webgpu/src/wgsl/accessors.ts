import { FAULT_ATOMIC, FAULT_READ, FAULT_WRITE } from '@mirrorspace/core/driver';
import type { LibraryOptions } from './options.js';

/** What programs call. */
export function accessors({ atomics, pageBytes }: LibraryOptions): string {
  const plain = ['i32', 'f32'].map(
    (type) => `
fn load_${type}(a: address) -> ${type} { return bitcast<${type}>(load_u32(a)); }
fn store_${type}(a: address, value: ${type}) { store_u32(a, bitcast<u32>(value)); }`,
  );
  const vectors = [2, 3, 4].flatMap((n) => ['u', 'i', 'f'].map((kind) => vector(n, kind)));
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
fn page_to_load(a: address) -> Page { return Page(ms_walk_to_load(a, ${FAULT_READ}u)); }
fn page_to_store(a: address) -> Page { return Page(ms_walk_to_store(a, ${FAULT_WRITE}u)); }
fn load_in_u32(page: Page, i: u32) -> u32 { return ms_get(page.base | (i & (page_words - 1u))); }
fn store_in_u32(page: Page, i: u32, value: u32) {
  if (ms_stores) { ms_put(page.base | (i & (page_words - 1u)), value); }
}
fn load_in_i32(page: Page, i: u32) -> i32 { return bitcast<i32>(load_in_u32(page, i)); }
fn load_in_f32(page: Page, i: u32) -> f32 { return bitcast<f32>(load_in_u32(page, i)); }
fn store_in_i32(page: Page, i: u32, value: i32) { store_in_u32(page, i, bitcast<u32>(value)); }
fn store_in_f32(page: Page, i: u32, value: f32) { store_in_u32(page, i, bitcast<u32>(value)); }
// The i-th word after the first of a vector whose last is so many words on: it lies in the page of the first, or of the last.
fn ms_between(first: u32, last: u32, i: u32, all: u32) -> u32 {
  return select(last - (all - i), first + i, (first & (page_words - 1u)) + i < page_words);
}
fn load_u32(a: address) -> u32 { return ms_get(ms_to_load(a)); }
fn store_u32(a: address, value: u32) {
  let w = ms_to_store(a, ${FAULT_WRITE}u);
  if (ms_stores) { ms_put(w, value); }
}${plain.join('')}${vectors.join('')}${atomics ? operations.join('') + compare : ''}`;
}

/** Vectors may cross from one page to the next: their first and last words are translated, those between lie with one of them. */
function vector(n: number, kind: string): string {
  const type = `vec${n}${kind}`;
  const scalar = `${kind}32`;
  const each = (from: (i: number) => string) => Array.from({ length: n }, (_, i) => from(i));
  const words = each((i) => (i === 0 ? 'first' : i === n - 1 ? 'last' : `ms_between(first, last, ${i}u, ${n - 1}u)`));
  return `
fn load_${type}(a: address) -> ${type} {
  let first = ms_to_load(a);
  let last = ms_to_load(advance(a, ${n - 1}u));
  return ${type}(${words.map((word) => `bitcast<${scalar}>(ms_get(${word}))`).join(', ')});
}
fn store_${type}(a: address, value: ${type}) {
  let first = ms_to_store(a, ${FAULT_WRITE}u);
  let last = ms_to_store(advance(a, ${n - 1}u), ${FAULT_WRITE}u);
  if (ms_stores) { ${words.map((word, i) => `ms_put(${word}, bitcast<u32>(value[${i}]));`).join(' ')} }
}`;
}
