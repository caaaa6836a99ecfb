import type { WgslProgram } from '@mirrorspace/core';
import { PAGE_WORDS } from './interpret.js';
import { ARGUMENTS, type Expression, type RandomProgram, type Statement } from './program.js';

/** Where the arguments of a launch are: addresses of inputs, output and counters, then numbers, then the mask of outputs' places. */
export function argumentsOf(program: RandomProgram) {
  const output = program.inputs;
  return { output, counters: output + 1, numbers: output + 2, places: output + 2 + ARGUMENTS };
}

/** A random program in WGSL, for areas of `size` words. */
export function toWgsl(program: RandomProgram, size: number): WgslProgram {
  const at = argumentsOf(program);
  const body = bodyOf(program, size);
  const code = `
var<workgroup> shared_words: array<u32, ${program.lanes}>;
// Not a constant expression: those may not overflow.
fn word(value: u32) -> u32 { return value; }
fn input_at(i: u32, word: u32) -> address { return advance(arg_address(i), word & ${size - 1}u); }
fn load4(i: u32, word: u32) -> u32 {
  let v = load_vec4u(input_at(i, min(word & ${size - 1}u, ${size - 4}u)));
  return v.x + v.y + v.z + v.w;
}
fn run(unit: Unit) {
  let lane = unit.index * ${program.lanes}u + unit.lane;
  let place = (lane * (arg_u32(${at.numbers}u) | 1u) + arg_u32(${at.numbers + 1}u)) & arg_u32(${at.places}u);
  let own = place * ${program.words}u;
${body.map((line) => `  ${line}`).join('\n')}
}`;
  return { language: 'wgsl', code, lanes: program.lanes, ...(program.idempotent && { idempotent: true }) };
}

function bodyOf(program: RandomProgram, size: number): string[] {
  const lines: string[] = [];
  let variable = 0;
  for (const statement of program.statements) {
    lines.push(...linesOf(program, size, statement, `v${variable}`));
    if (statement.kind !== 'store' && statement.kind !== 'atomic') variable++;
  }
  return lines;
}

function linesOf(program: RandomProgram, size: number, statement: Statement, name: string): string[] {
  const at = argumentsOf(program);
  const text = (expression: Expression) => show(program, expression);
  switch (statement.kind) {
    case 'set':
      return [`let ${name} = ${text(statement.value)};`];
    case 'stride': {
      const { input, start, count, stride } = statement;
      return [
        `let ${name}_start = ${text(start)};`,
        `var ${name} = 0u;`,
        `for (var i = 0u; i < ${count}u; i++) { ${name} += load_u32(input_at(${input}u, ${name}_start + i * ${stride}u)); }`,
      ];
    }
    case 'chase':
      return [
        `var ${name} = ${text(statement.start)};`,
        `for (var i = 0u; i < ${statement.count}u; i++) { ${name} = load_u32(input_at(${statement.input}u, ${name})); }`,
      ];
    case 'page': {
      const { input, stride } = statement;
      return [
        `let ${name}_page = page_to_load(input_at(${input}u, ${text(statement.at)}));`,
        `var ${name} = 0u;`,
        `for (var i = 0u; i < ${PAGE_WORDS}u; i += ${stride}u) { ${name} += load_in_u32(${name}_page, i); }`,
      ];
    }
    case 'exchange':
      return [
        'workgroupBarrier();',
        `shared_words[unit.lane] = v${statement.variable};`,
        'workgroupBarrier();',
        `let ${name} = shared_words[(unit.lane + 1u) % ${program.lanes}u];`,
      ];
    case 'store':
      return [`store_u32(advance(arg_address(${at.output}u), own + ${statement.word}u), ${text(statement.value)});`];
    default:
      return [
        `_ = atomic${program.atomic}_u32(advance(arg_address(${at.counters}u), ${text(statement.index)} & ${size - 1}u), ${text(statement.value)});`,
      ];
  }
}

function show(program: RandomProgram, expression: Expression): string {
  const at = argumentsOf(program);
  switch (expression.kind) {
    case 'word':
      return `word(${expression.value}u)`;
    case 'variable':
      return `v${expression.index}`;
    case 'argument':
      return `arg_u32(${at.numbers + expression.index}u)`;
    case 'lane':
      return 'lane';
    case 'binary': {
      const right = show(program, expression.right);
      const shifts = expression.op === '<<' || expression.op === '>>';
      return `(${show(program, expression.left)} ${expression.op} ${shifts ? `(${right} & 31u)` : right})`;
    }
    case 'load':
      return `load_u32(input_at(${expression.input}u, ${show(program, expression.index)}))`;
    case 'load4':
      return `load4(${expression.input}u, ${show(program, expression.index)})`;
    default:
      return `load_u32(advance(arg_address(${at.output}u), own + ${expression.word}u))`;
  }
}
