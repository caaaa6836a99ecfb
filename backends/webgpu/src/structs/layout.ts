import {
  type ArrayDefinition,
  type IntrinsicDefinition,
  makeShaderDataDefinitions,
  type StructDefinition,
  type TypeDefinition,
} from 'webgpu-utils';

/** A type that a program may have in memory. */
export type Layout = Leaf | Sequence | StructLayout;

/** A scalar, a vector or a matrix. */
export interface Leaf {
  readonly kind: 'leaf';
  /** Its short name: `vec3f`, not `vec3<f32>`. */
  readonly type: string;
  /** Columns of a matrix; 1 for all others. */
  readonly columns: number;
  /** Numbers of a column. */
  readonly rows: number;
}

/** An array of a fixed length. */
export interface Sequence {
  readonly kind: 'array';
  readonly of: Layout;
  readonly count: number;
  /** Bytes from one element to the next. */
  readonly stride: number;
}

/** A struct. */
export interface StructLayout {
  readonly kind: 'struct';
  readonly bytes: number;
  readonly members: readonly Member[];
  readonly definition: StructDefinition;
}

export interface Member {
  readonly name: string;
  /** Bytes from the start of the struct. */
  readonly offset: number;
  readonly layout: Layout;
}

/** Lays the structs of `code` out as WGSL does. @throws TypeError for what is no WGSL, or cannot lie in virtual memory */
export function layOut(code: string, address: 'u32' | 'vec2u'): ReadonlyMap<string, StructLayout> {
  checkCounts(code);
  const definitions = parse(`alias address = ${address};\n${code}`);
  const structs = Object.entries(definitions).map(([name, definition]) => [name, record(name, definition)] as const);
  if (structs.length === 0) throw new TypeError('there is no struct in the code');
  return new Map(structs);
}

function parse(code: string): { readonly [name: string]: StructDefinition } {
  const scope = globalThis as { GPUShaderStage?: unknown };
  // Read for entry points, whether there are some or not; Node has no such global.
  const missing = scope.GPUShaderStage === undefined;
  if (missing) scope.GPUShaderStage = { VERTEX: 1, FRAGMENT: 2, COMPUTE: 4 };
  try {
    return makeShaderDataDefinitions(code).structs;
  } catch (cause) {
    throw new TypeError(`the structs cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  } finally {
    if (missing) delete scope.GPUShaderStage;
  }
}

/** An array whose length is not known here would be taken for one of length 1. @throws TypeError */
function checkCounts(code: string): void {
  const text = code.replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '');
  const known = new Set(Array.from(text.matchAll(/\bconst\s+(\w+)/g), ([, name]) => name));
  for (const [, length] of text.matchAll(/,\s*([^<>,;:]+?)\s*>/g)) {
    for (const [name] of length!.matchAll(/(?<!\w)[A-Za-z_]\w*/g))
      if (!known.has(name)) throw new TypeError(`the length ${name} of an array is no const of the same code`);
  }
}

function record(name: string, definition: StructDefinition): StructLayout {
  const members = Object.entries(definition.fields).map(([member, { offset, type }]) => ({
    name: member,
    offset,
    layout: layoutOf(`${name}.${member}`, type),
  }));
  if (members.length === 0) throw new TypeError(`${name} has no members`);
  return { kind: 'struct', bytes: definition.size, members, definition };
}

function layoutOf(where: string, definition: TypeDefinition): Layout {
  if ('fields' in definition) return record(where, definition as StructDefinition);
  if ('elementType' in definition) {
    const { elementType, numElements: count } = definition as ArrayDefinition;
    const of = layoutOf(where, elementType);
    if (!(count >= 1)) throw new TypeError(`${where}: an array in memory needs a length`);
    return { kind: 'array', of, count, stride: strideOf(of) };
  }
  return leaf(where, (definition as IntrinsicDefinition).type);
}

function leaf(where: string, type: string): Leaf {
  const short = type.replace(/<([uif])(?:32)>$/, '$1');
  if (/^[uif]32$/.test(short)) return { kind: 'leaf', type: short, columns: 1, rows: 1 };
  const vector = /^vec([234])[uif]$/.exec(short);
  if (vector !== null) return { kind: 'leaf', type: short, columns: 1, rows: Number(vector[1]) };
  const matrix = /^mat([234])x([234])f$/.exec(short);
  if (matrix !== null) return { kind: 'leaf', type: short, columns: Number(matrix[1]), rows: Number(matrix[2]) };
  const hint = type.startsWith('atomic')
    ? '; declare it as u32, and add to it by atomicAdd_u32 at its address'
    : '; members are u32, i32, f32, their vectors, matrices of f32, address, arrays of a fixed length and structs';
  throw new TypeError(`${where} is of the type ${type}, which programs cannot load${hint}`);
}

function strideOf(layout: Layout): number {
  switch (layout.kind) {
    case 'struct':
      return layout.bytes;
    case 'array':
      return layout.stride * layout.count;
    case 'leaf':
      return columnBytes(layout) * layout.columns;
  }
}

/** Bytes from one column of a matrix to the next; a vector is one column. */
export function columnBytes({ rows }: Leaf): number {
  return (rows === 3 ? 4 : rows) * 4;
}
