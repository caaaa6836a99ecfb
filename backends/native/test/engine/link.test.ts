import { describe, expect, it } from 'vitest';
import { assemble } from '../../src/engine/assemble.js';
import { BASE_EXPORT, link } from '../../src/engine/link/link.js';

const ACCESSORS = `
  (import "mirrorspace" "load_u32" (func $load (param i64) (result i32)))
  (import "mirrorspace" "store_f64" (func $store (param i64 f64)))
  (import "mirrorspace" "atomic_cmpxchg_u32" (func $exchange (param i64 i32 i32) (result i32)))
  (import "mirrorspace" "write" (func $write (param i64) (result i32)))`;
const MEMORY = '(import "mirrorspace" "memory" (memory 0 65536 shared))';

/** Links a module in text; says whether it was changed, and that the result is a module. */
async function linked(text: string): Promise<{ changed: boolean; exports: string[] }> {
  const before = await assemble(text);
  expect(WebAssembly.validate(before)).toBe(true);
  const after = link(before, 600);
  expect(WebAssembly.validate(after)).toBe(true);
  const exports = WebAssembly.Module.exports(new WebAssembly.Module(after)).map(({ name }) => name);
  expect(exports.includes(BASE_EXPORT)).toBe(after !== before);
  return { changed: after !== before, exports };
}

describe('linking a program', () => {
  it.each([MEMORY, ''])(
    'puts accesses in place of calls, in all functions, beside globals and locals: %s',
    async (memory) => {
      const { changed, exports } = await linked(`(module ${ACCESSORS} ${memory}
      (global $count (mut i32) (i32.const 7)) (table 2 funcref) (elem (i32.const 0) $helper $helper)
      (type $taker (func (param i64 i64) (result i32)))
      (func $helper (param $a i64) (param $b i64) (result i32) (local $c f64) (local i32)
        (call $store (local.get $b) (local.get $c))
        (block $out (block $in (br_table $out $in $out (call $load (local.get $a))))) (i32.const 5))
      (func $plain (global.set $count (i32.add (global.get $count) (i32.const -1))))
      (func (export "run") (param i32 i32 i32) (local i64)
        (call $plain)
        (if (call $load (i64.const 0x7fffffffffffffff)) (then
          (drop (call $exchange (local.get 3) (i32.const 1) (call $load (local.get 3))))) (else (nop)))
        (drop (call_indirect (type $taker) (i64.const 1) (i64.const -1) (i32.const 0)))
        (drop (call $write (i64.extend_i32_u (call $load (local.get 3)))))))`);
      expect(changed).toBe(true);
      expect(exports).toContain('run');
    },
  );

  it('knows the instructions of threads, SIMD, bulk memory and conversions', async () => {
    const { changed } = await linked(`(module ${ACCESSORS} ${MEMORY} (func (export "run") (param i32 i32 i32)
      (v128.store offset=16 align=8 (i32.const 0) (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31
        (v128.const i32x4 1 2 3 4) (v128.load32_splat (i32.const 4))))
      (drop (i32x4.extract_lane 3 (i32x4.add (v128.load8_lane 2 (i32.const 0) (v128.const i64x2 0 0)) (v128.load64_zero (i32.const 8)))))
      (atomic.fence)
      (drop (i32.atomic.rmw.add offset=8 (i32.const 0) (i32.const 1)))
      (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0)))
      (memory.fill (i32.const 0) (i32.const 0) (i32.const 8))
      (memory.copy (i32.const 0) (i32.const 8) (i32.const 8))
      (drop (i32.trunc_sat_f64_u (f64.const 1.5))) (drop (f32.const 2.5)) (drop (memory.size))
      (drop (select (i32.const 1) (i32.extend8_s (i32.const 2)) (i32.const 3)))
      (drop (call $load (i64.const 0)))))`);
    expect(changed).toBe(true);
  });

  it('leaves a module alone that has memory of its own, or calls none of them', async () => {
    const own = `(module ${ACCESSORS} (memory 1) (func (export "run") (drop (call $load (i64.const 0)))))`;
    expect((await linked(own)).changed).toBe(false);
    expect((await linked('(module (func (export "run")))')).changed).toBe(false);
  });

  it('leaves what it does not understand to the compiler', () => {
    for (const bytes of [[], [0, 97, 115, 109, 1, 0, 0, 0, 2, 5, 1], [0, 97, 115, 109, 1, 0, 0, 0, 1, 3, 1, 0x5e, 0]]) {
      const module = Uint8Array.from(bytes);
      expect(link(module, 600)).toBe(module);
    }
  });
});
