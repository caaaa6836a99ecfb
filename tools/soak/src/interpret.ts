import type { Expression, Operator, RandomProgram, Statement } from './program.js';

/** Memory as a program sees it: inputs, outputs and counters by word. */
export interface Memory {
  /** Words of each area, a power of two. */
  readonly size: number;
  load(input: number, index: number): number;
  loadOutput(index: number): number;
  storeOutput(index: number, value: number): void;
  count(index: number, value: number): void;
}

/** What a launch was given. */
export interface LaunchArguments {
  /** Arguments of the program; see `ARGUMENTS`. */
  readonly numbers: readonly number[];
  /** Places for outputs, a power of two of at least as many as there are lanes. */
  readonly places: number;
}

/** Words of a page, for page-wise loads. */
export const PAGE_WORDS = 1024;

/** First word of a lane's output: which place it has is the launch's choice. */
function outputOf(program: RandomProgram, { numbers, places }: LaunchArguments, lane: number): number {
  const place = ((Math.imul(lane, numbers[0]! | 1) + numbers[1]!) & (places - 1)) >>> 0;
  return place * program.words;
}

/** Runs one unit of a program, lane by lane and step by step. */
export function runUnit(program: RandomProgram, memory: Memory, launch: LaunchArguments, unit: number): void {
  const { lanes, statements } = program;
  const variables = Array.from({ length: lanes }, (): number[] => []);
  for (const statement of statements) {
    const before = statement.kind === 'exchange' ? variables.map((values) => values[statement.variable]!) : [];
    for (let lane = 0; lane < lanes; lane++) {
      const context = { program, memory, launch, lane: unit * lanes + lane, variables: variables[lane]! };
      if (statement.kind === 'exchange') variables[lane]!.push(before[(lane + 1) % lanes]!);
      else step(context, statement);
    }
  }
}

interface Context {
  readonly program: RandomProgram;
  readonly memory: Memory;
  readonly launch: LaunchArguments;
  /** Number in the whole grid. */
  readonly lane: number;
  readonly variables: number[];
}

function step(context: Context, statement: Exclude<Statement, { kind: 'exchange' }>): void {
  const { memory, variables, program, launch, lane } = context;
  const mask = memory.size - 1;
  switch (statement.kind) {
    case 'set':
      variables.push(evaluate(context, statement.value));
      return;
    case 'stride': {
      const start = evaluate(context, statement.start);
      let sum = 0;
      for (let i = 0; i < statement.count; i++)
        sum = (sum + memory.load(statement.input, ((start + i * statement.stride) & mask) >>> 0)) >>> 0;
      variables.push(sum);
      return;
    }
    case 'chase': {
      let at = evaluate(context, statement.start);
      for (let i = 0; i < statement.count; i++) at = memory.load(statement.input, (at & mask) >>> 0);
      variables.push(at);
      return;
    }
    case 'page': {
      const first = ((evaluate(context, statement.at) & mask) >>> 0) & ~(PAGE_WORDS - 1);
      let sum = 0;
      for (let i = 0; i < PAGE_WORDS; i += statement.stride)
        sum = (sum + memory.load(statement.input, first + i)) >>> 0;
      variables.push(sum);
      return;
    }
    case 'store':
      memory.storeOutput(outputOf(program, launch, lane) + statement.word, evaluate(context, statement.value));
      return;
    case 'atomic':
      memory.count((evaluate(context, statement.index) & mask) >>> 0, evaluate(context, statement.value));
  }
}

function evaluate(context: Context, expression: Expression): number {
  const { memory, program, launch, lane, variables } = context;
  const mask = memory.size - 1;
  switch (expression.kind) {
    case 'word':
      return expression.value;
    case 'variable':
      return variables[expression.index]!;
    case 'argument':
      return launch.numbers[expression.index]!;
    case 'lane':
      return lane;
    case 'binary':
      return operate(expression.op, evaluate(context, expression.left), evaluate(context, expression.right));
    case 'load':
      return memory.load(expression.input, (evaluate(context, expression.index) & mask) >>> 0);
    case 'load4': {
      // Not beyond the end: the last four words at most.
      const first = Math.min((evaluate(context, expression.index) & mask) >>> 0, memory.size - 4);
      let sum = 0;
      for (let i = 0; i < 4; i++) sum = (sum + memory.load(expression.input, first + i)) >>> 0;
      return sum;
    }
    default:
      return memory.loadOutput(outputOf(program, launch, lane) + expression.word);
  }
}

function operate(op: Operator, left: number, right: number): number {
  switch (op) {
    case '+':
      return (left + right) >>> 0;
    case '-':
      return (left - right) >>> 0;
    case '*':
      return Math.imul(left, right) >>> 0;
    case '^':
      return (left ^ right) >>> 0;
    case '&':
      return (left & right) >>> 0;
    case '|':
      return (left | right) >>> 0;
    case '<<':
      return (left << (right & 31)) >>> 0;
    default:
      return left >>> (right & 31);
  }
}
