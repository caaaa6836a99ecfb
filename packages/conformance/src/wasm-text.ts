// Pieces of WebAssembly text that cases make their programs of.

const IMPORTS = {
  load_u32: '(param i64) (result i32)',
  store_u32: '(param i64 i32)',
  store_f32: '(param i64 f32)',
  atomic_add_u32: '(param i64 i32) (result i32)',
  arg_i32: '(param i32) (result i32)',
  arg_i64: '(param i32) (result i64)',
};

/** A module in WebAssembly text whose `run` has this body. */
export function wasmModule(body: string): string {
  const imports = Object.entries(IMPORTS).map(
    ([name, type]) => `(import "mirrorspace" "${name}" (func $${name} ${type}))`,
  );
  return `(module ${imports.join('\n')}
  (func (export "run") (param $x i32) (param $y i32) (param $z i32) (local $i i32) ${body}))`;
}

/** WebAssembly text for argument 0, an address, and `bytes`, an `i32`, behind it. */
export function wasmBehind(bytes: string): string {
  return `(i64.add (call $arg_i64 (i32.const 0)) (i64.extend_i32_u ${bytes}))`;
}

/** WebAssembly text for the address so many times the size in argument 1 behind the address in argument 0; `index` is an `i32`. */
export function wasmAt(index: string): string {
  return `(i64.add (call $arg_i64 (i32.const 0)) (i64.mul (i64.extend_i32_u ${index}) (call $arg_i64 (i32.const 1))))`;
}

/** WebAssembly text that adds to the word at an address. */
export function wasmAdd(address: string, value = '(i32.const 1)'): string {
  return `(drop (call $atomic_add_u32 ${address} ${value}))`;
}

/** WebAssembly text that counts `$i` from 0 to below `count`. */
export function wasmLoop(count: number, body: string): string {
  return `(loop $next ${body} (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${count}))))`;
}
