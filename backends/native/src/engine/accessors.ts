import { TLB } from './words.js';

/** A width that words are moved in: type, bytes, and the instructions with their codes. */
interface Width {
  readonly name: string;
  readonly type: 'i32' | 'i64' | 'f32' | 'f64';
  readonly bytes: number;
  readonly load: string;
  readonly loadCode: number;
  readonly store: string;
  readonly storeCode: number;
}

export const WIDTHS: readonly Width[] = [
  width('u8', 'i32', 1, ['i32.load8_u', 0x2d], ['i32.store8', 0x3a]),
  width('u16', 'i32', 2, ['i32.load16_u', 0x2f], ['i32.store16', 0x3b]),
  width('u32', 'i32', 4, ['i32.load', 0x28], ['i32.store', 0x36]),
  width('u64', 'i64', 8, ['i64.load', 0x29], ['i64.store', 0x37]),
  width('f32', 'f32', 4, ['f32.load', 0x2a], ['f32.store', 0x38]),
  width('f64', 'f64', 8, ['f64.load', 0x2b], ['f64.store', 0x39]),
];
/** Atomic operations on 32-bit words, and their codes. */
export const UPDATES = [
  { name: 'add', code: 0x1e },
  { name: 'sub', code: 0x25 },
  { name: 'and', code: 0x2c },
  { name: 'or', code: 0x33 },
  { name: 'xor', code: 0x3a },
  { name: 'xchg', code: 0x41 },
] as const;

/** Names of what {@link accessors} offers to programs. */
export const ACCESSORS: readonly string[] = [
  ...WIDTHS.flatMap(({ name }) => [`load_${name}`, `store_${name}`]),
  ...UPDATES.map(({ name }) => `atomic_${name}_u32`),
  'atomic_cmpxchg_u32',
  'read',
  'write',
  'atomic',
];

/**
 * Accesses of one word each, in WebAssembly text, over the frames: each translates, checks that the address is aligned, and traps otherwise. What was
 * translated goes into the unit's cache, for accesses that were put into programs: see `link/`.
 *
 * The cache is emptied, by counting its generation up, whenever the unit has acknowledged an epoch. Where the engine asks for that, loops in programs
 * set the generation by which they look to none, so that their next access comes here. The request is taken back before the epoch is looked at,
 * so that none is lost.
 */
export function accessors(pages: number): string {
  return `(module
  (import "frames" "memory" (memory ${pages} ${pages} shared))
  (import "core" "read" (func $core_read (param i64) (result i32)))
  (import "core" "write" (func $core_write (param i64) (result i32)))
  (import "core" "atomic" (func $core_atomic (param i64) (result i32)))
  (import "core" "acknowledged" (global $acknowledged (mut i32)))
  (global $base (export "base") (mut i32) (i32.const 0))
  (global $seen (mut i32) (i32.const 0))
  (func $next (local $generation i64)
    (local.set $generation (i64.add (i64.load offset=${TLB.current} (global.get $base)) (i64.const ${TLB.generationStep})))
    (if (i64.ge_u (local.get $generation) (i64.const ${TLB.noGeneration})) (then
      (memory.fill (i32.add (global.get $base) (i32.const ${TLB.read})) (i32.const 0) (i32.const ${TLB.bytes - TLB.read}))
      (local.set $generation (i64.const ${TLB.generationStep}))))
    (i64.store offset=${TLB.current} (global.get $base) (local.get $generation)))
  (func $begin (export "begin")
    (call $next)
    (i64.store offset=${TLB.generation} (global.get $base) (i64.load offset=${TLB.current} (global.get $base))))
  ${translate('read', TLB.read)}
  ${translate('write', TLB.write)}
  ${translate('atomic', TLB.write)}
  ${WIDTHS.map(plain).join('\n  ')}
  ${UPDATES.map(({ name }) => update(name)).join('\n  ')}
  (func (export "atomic_cmpxchg_u32") (param $a i64) (param $expected i32) (param $v i32) (result i32)
    (i32.atomic.rmw.cmpxchg (call $atomic (local.get $a)) (local.get $expected) (local.get $v)))
)`;
}

function translate(name: string, cache: number): string {
  const low = 2 ** TLB.pageShift - 1;
  return `(func $${name} (export "${name}") (param $a i64) (result i32) (local $at i32) (local $entry i32)
    (i32.atomic.store8 offset=${TLB.requested} (global.get $base) (i32.const 0))
    (local.set $at (call $core_${name} (local.get $a)))
    (if (i32.ne (global.get $acknowledged) (global.get $seen)) (then
      (call $next)
      (global.set $seen (global.get $acknowledged))))
    (i64.store offset=${TLB.generation} (global.get $base) (i64.load offset=${TLB.current} (global.get $base)))
    (local.set $entry (i32.add (global.get $base)
      (i32.and (i32.wrap_i64 (i64.shr_u (local.get $a) (i64.const ${TLB.indexShift}))) (i32.const ${TLB.indexMask}))))
    (i64.store offset=${cache} (local.get $entry) (i64.or
      (i64.and (local.get $a) (i64.const ${~low})) (i64.load offset=${TLB.current} (global.get $base))))
    (i32.store offset=${cache + 8} (local.get $entry) (i32.sub (local.get $at) (i32.wrap_i64 (local.get $a))))
    (local.get $at))`;
}

function plain({ name, type, bytes, load, store }: Width): string {
  const check =
    bytes === 1 ? '' : `(if (i32.and (i32.wrap_i64 (local.get $a)) (i32.const ${bytes - 1})) (then (unreachable)))`;
  return `(func (export "load_${name}") (param $a i64) (result ${type}) ${check} (${load} (call $read (local.get $a))))
  (func (export "store_${name}") (param $a i64) (param $v ${type}) ${check} (${store} (call $write (local.get $a)) (local.get $v)))`;
}

/** Atomic instructions trap by themselves where the address is not aligned. */
function update(name: string): string {
  return `(func (export "atomic_${name}_u32") (param $a i64) (param $v i32) (result i32)
    (i32.atomic.rmw.${name} (call $atomic (local.get $a)) (local.get $v)))`;
}

function width(
  name: string,
  type: Width['type'],
  bytes: number,
  [load, loadCode]: readonly [string, number],
  [store, storeCode]: readonly [string, number],
): Width {
  return { name, type, bytes, load, loadCode, store, storeCode };
}
