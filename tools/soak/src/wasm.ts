import type { WasmProgram } from '@mirrorspace/core';
import { PAGE_WORDS } from './interpret.js';
import { type Expression, type Operator, type RandomProgram, type Statement } from './program.js';
import { argumentsOf } from './wgsl.js';

const OPERATORS: Readonly<Record<Operator, string>> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '^': 'xor',
  '&': 'and',
  '|': 'or',
  '<<': 'shl',
  '>>': 'shr_u',
};

const IMPORTS = `
  (import "mirrorspace" "memory" (memory 0 65536 shared))
  (import "mirrorspace" "read" (func $read (param i64) (result i32)))
  (import "mirrorspace" "load_u32" (func $load (param i64) (result i32)))
  (import "mirrorspace" "store_u32" (func $store (param i64 i32)))
  (import "mirrorspace" "arg_i32" (func $arg (param i32) (result i32)))
  (import "mirrorspace" "arg_i64" (func $address (param i32) (result i64)))`;

/** A random program of one lane in WebAssembly text, for areas of `size` words and grids of one dimension at most `[x, y]`. */
export function toWasm(program: RandomProgram, size: number): WasmProgram {
  const at = argumentsOf(program);
  const results = program.statements.filter(({ kind }) => kind !== 'store' && kind !== 'atomic');
  const locals = results.map((_, i) => `(local $v${i} i32)`).join(' ');
  const argument = (i: number) => `(call $arg (i32.const ${i}))`;
  let variable = 0;
  const body = program.statements.map((statement) => {
    const name = `$v${variable}`;
    if (statement.kind !== 'store' && statement.kind !== 'atomic') variable++;
    return step(program, statement, name);
  });
  const atomic = `atomic_${program.atomic.toLowerCase()}_u32`;
  const code = `(module ${IMPORTS}
  (import "mirrorspace" "${atomic}" (func $atomic (param i64 i32) (result i32)))
  (func $input (param $i i32) (param $word i32) (result i64)
    (i64.add (call $address (local.get $i)) (i64.extend_i32_u (i32.shl (i32.and (local.get $word) (i32.const ${size - 1})) (i32.const 2)))))
  (func $load4 (param $i i32) (param $word i32) (result i32) (local $sum i32) (local $n i32)
    (local.set $word (i32.and (local.get $word) (i32.const ${size - 1})))
    (if (i32.gt_u (local.get $word) (i32.const ${size - 4})) (then (local.set $word (i32.const ${size - 4}))))
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (call $load (call $input (local.get $i) (i32.add (local.get $word) (local.get $n))))))
      (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 4))))
    (local.get $sum))
  (func (export "run") (param $x i32) (param $y i32) (param $z i32)
    (local $lane i32) (local $own i64) (local $i i32) (local $start i32) ${locals}
    (local.set $lane (i32.add (local.get $x) (i32.mul (local.get $y) ${argument(at.places + 1)})))
    (local.set $own (i64.add (call $address (i32.const ${at.output})) (i64.mul (i64.const ${4 * program.words}) (i64.extend_i32_u
      (i32.and ${argument(at.places)} (i32.add ${argument(at.numbers + 1)}
        (i32.mul (local.get $lane) (i32.or (i32.const 1) ${argument(at.numbers)}))))))))
    ${body.join('\n    ')}))`;
  return { language: 'wasm', code };
}

function step(program: RandomProgram, statement: Statement, name: string): string {
  const at = argumentsOf(program);
  const text = (expression: Expression) => show(program, expression);
  const load = (input: number, word: string) => `(call $load (call $input (i32.const ${input}) ${word}))`;
  switch (statement.kind) {
    case 'set':
      return `(local.set ${name} ${text(statement.value)})`;
    case 'stride': {
      const { input, start, count, stride } = statement;
      const word = `(i32.add (local.get $start) (i32.mul (local.get $i) (i32.const ${stride})))`;
      return `(local.set $start ${text(start)})
    ${repeat(count, 1, `(local.set ${name} (i32.add (local.get ${name}) ${load(input, word)}))`)}`;
    }
    case 'chase':
      return `(local.set ${name} ${text(statement.start)})
    ${repeat(statement.count, 1, `(local.set ${name} ${load(statement.input, `(local.get ${name})`)})`)}`;
    case 'page': {
      const place = `(call $read (call $input (i32.const ${statement.input}) ${text(statement.at)}))`;
      const word = '(i32.load (i32.add (local.get $start) (i32.shl (local.get $i) (i32.const 2))))';
      return `(local.set $start (i32.and ${place} (i32.const ${-4 * PAGE_WORDS})))
    ${repeat(PAGE_WORDS, statement.stride, `(local.set ${name} (i32.add (local.get ${name}) ${word}))`)}`;
    }
    case 'exchange':
      // The next lane is the same one.
      return `(local.set ${name} (local.get $v${statement.variable}))`;
    case 'store':
      return `(call $store (i64.add (local.get $own) (i64.const ${4 * statement.word})) ${text(statement.value)})`;
    default:
      return `(drop (call $atomic (call $input (i32.const ${at.counters}) ${text(statement.index)}) ${text(statement.value)}))`;
  }
}

/** Does something with `$i` from 0 up to below `end`. */
function repeat(end: number, by: number, body: string): string {
  if (end === 0) return '';
  return `(local.set $i (i32.const 0))
    (loop $next ${body}
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const ${by}))) (i32.const ${end}))))`;
}

function show(program: RandomProgram, expression: Expression): string {
  const at = argumentsOf(program);
  switch (expression.kind) {
    case 'word':
      return `(i32.const ${expression.value})`;
    case 'variable':
      return `(local.get $v${expression.index})`;
    case 'argument':
      return `(call $arg (i32.const ${at.numbers + expression.index}))`;
    case 'lane':
      return '(local.get $lane)';
    case 'binary':
      return `(i32.${OPERATORS[expression.op]} ${show(program, expression.left)} ${show(program, expression.right)})`;
    case 'load':
      return `(call $load (call $input (i32.const ${expression.input}) ${show(program, expression.index)}))`;
    case 'load4':
      return `(call $load4 (i32.const ${expression.input}) ${show(program, expression.index)})`;
    default:
      return `(call $load (i64.add (local.get $own) (i64.const ${4 * expression.word})))`;
  }
}
