import type { WasmProgram } from '@mirrorspace/core/driver';

/** A program in WebAssembly text, with what these import. */
function program(body: string): WasmProgram {
  const code = `(module
  (import "mirrorspace" "memory" (memory 0 65536 shared))
  (import "mirrorspace" "read" (func $read (param i64) (result i32)))
  (import "mirrorspace" "write" (func $write (param i64) (result i32)))
  (import "mirrorspace" "moved" (func $moved (result i32)))
  (import "mirrorspace" "load_u32" (func $load_u32 (param i64) (result i32)))
  (import "mirrorspace" "store_u32" (func $store_u32 (param i64 i32)))
  (import "mirrorspace" "arg_i64" (func $arg_i64 (param i32) (result i64)))
  (import "mirrorspace" "arg_i32" (func $arg_i32 (param i32) (result i32)))
  (func (export "run") (param $x i32) (param $y i32) (param $z i32)
    (local $a i64) (local $b i64) (local $end i64) (local $passes i32) (local $from i32) (local $to i32) (local $i i32) (local $sum i32)
    ${body}))`;
  return { language: 'wasm', code };
}

/** Arguments: address of the words to read, address of those to write, their bytes, passes. */
function passes(body: string): WasmProgram {
  return program(`
    (local.set $passes (call $arg_i32 (i32.const 3)))
    (loop $pass
      (local.set $a (call $arg_i64 (i32.const 0)))
      (local.set $b (call $arg_i64 (i32.const 1)))
      (local.set $end (i64.add (local.get $a) (call $arg_i64 (i32.const 2))))
      (loop $on ${body}
        (br_if $on (i64.lt_u (local.get $a) (local.get $end))))
      (br_if $pass (local.tee $passes (i32.sub (local.get $passes) (i32.const 1)))))`);
}

const step = (bytes: number): string => `
        (local.set $a (i64.add (local.get $a) (i64.const ${bytes})))
        (local.set $b (i64.add (local.get $b) (i64.const ${bytes})))`;

/** `to[i] = from[i] * 3 + 1`, each page translated once. */
export const streamPages = passes(`
        (loop $again
          (local.set $from (call $read (local.get $a)))
          (local.set $to (call $write (local.get $b)))
          (br_if $again (call $moved)))
        (local.set $i (i32.const 0))
        (loop $next
          (i32.store (i32.add (local.get $to) (local.get $i))
            (i32.add (i32.mul (i32.load (i32.add (local.get $from) (local.get $i))) (i32.const 3)) (i32.const 1)))
          (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 4096))))
        ${step(4096)}`);

/** The same, each word translated. */
export const streamWords = passes(`
        (call $store_u32 (local.get $b) (i32.add (i32.mul (call $load_u32 (local.get $a)) (i32.const 3)) (i32.const 1)))
        ${step(4)}`);

/** Sums words at random places. Arguments: address, their number less one, rounds. */
export const gather = program(`
    (local.set $passes (call $arg_i32 (i32.const 2)))
    (local.set $i (i32.const 1))
    (local.set $to (call $arg_i32 (i32.const 1)))
    (local.set $a (call $arg_i64 (i32.const 0)))
    (loop $next
      (local.set $i (i32.add (i32.mul (local.get $i) (i32.const 1664525)) (i32.const 1013904223)))
      (local.set $b (i64.add (local.get $a)
        (i64.extend_i32_u (i32.shl (i32.and (i32.shr_u (local.get $i) (i32.const 7)) (local.get $to)) (i32.const 2)))))
      (local.set $sum (i32.add (local.get $sum) (call $load_u32 (local.get $b))))
      (br_if $next (local.tee $passes (i32.sub (local.get $passes) (i32.const 1)))))
    (call $store_u32 (local.get $a) (local.get $sum))`);
