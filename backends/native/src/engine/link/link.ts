import { ByteReader, ByteWriter, UnknownEncoding } from './bytes.js';
import { rewriteFunction } from './rewrite-function.js';
import { INLINED, type Inlined } from './inline.js';

/** The name under which a linked module exports the variable that says where its thread's caches of translations are. */
export const BASE_EXPORT = 'mirrorspace_base';

const SECTION = { type: 1, import: 2, function: 3, memory: 5, global: 6, export: 7, code: 10 } as const;
const HEADER_BYTES = 8;
/** A memory with a least and a most size that threads share. */
const SHARED = 3;
const KIND = { function: 0, table: 1, memory: 2, global: 3 } as const;

/** A section, by where its content lies in the module. */
interface Section {
  readonly id: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Puts accesses by cached translations in place of calls of accessors: a call into another module costs several times as much. Where
 * accessors are not called, or it has a memory of its own or something that is not known here, the module stays as it is.
 *
 * @param pages size of the memory that it will get. A module that says so itself, rather than what sizes it can use, is compiled into better code: calls
 *   cannot move the memory.
 */
export function link(module: Uint8Array<ArrayBuffer>, pages: number): Uint8Array<ArrayBuffer> {
  try {
    return linked(module, pages) ?? module;
  } catch (error) {
    if (error instanceof UnknownEncoding) return module;
    throw error;
  }
}

function linked(module: Uint8Array, pages: number): Uint8Array<ArrayBuffer> | undefined {
  const sections = sectionsOf(module);
  const find = (id: number) => {
    const section = sections.find((each) => each.id === id);
    return section && new ByteReader(module, section.from, section.to);
  };
  const imports = readImports(find(SECTION.import));
  const code = find(SECTION.code);
  if (imports.accessors.size === 0 || code === undefined || find(SECTION.memory) !== undefined || imports.otherMemory)
    return undefined;
  const base = imports.globals + (find(SECTION.global)?.number() ?? 0);
  const parameters = parametersOf(find(SECTION.type), find(SECTION.function));
  const out = new ByteWriter().copy(module, 0, HEADER_BYTES);
  let hasGlobal = find(SECTION.global) !== undefined;
  for (const { id, from, to } of sections) {
    const reader = new ByteReader(module, from, to);
    if (!hasGlobal && id > SECTION.global) {
      writeSection(out, SECTION.global, withGlobal(undefined));
      hasGlobal = true;
    }
    if (id === SECTION.global) writeSection(out, id, withGlobal(reader));
    else if (id === SECTION.import) writeSection(out, id, withMemory(reader, imports.limits, pages));
    else if (id === SECTION.export) writeSection(out, id, withExport(reader, base));
    else if (id === SECTION.code) writeSection(out, id, rewritten(reader, parameters, imports.accessors, base));
    else writeSection(out, id, new ByteWriter().copy(module, from, to));
  }
  return out.bytes;
}

function sectionsOf(module: Uint8Array): Section[] {
  const reader = new ByteReader(module, HEADER_BYTES);
  const sections: Section[] = [];
  while (reader.at < reader.end) {
    const id = reader.byte();
    const length = reader.number();
    sections.push({ id, from: reader.at, to: reader.at + length });
    reader.skip(length);
  }
  return sections;
}

/** Limits of a memory's size in pages, and where they lie. */
interface Limits {
  readonly from: number;
  readonly to: number;
  readonly least: number;
  readonly most: number;
}

interface Imports {
  /** Accessors by the index of their function. */
  readonly accessors: ReadonlyMap<number, Inlined>;
  /** Where the section says how large the device's memory may be, if it does. */
  readonly limits: Limits | undefined;
  /** A memory that is not the device's. */
  readonly otherMemory: boolean;
  readonly globals: number;
}

function readImports(reader: ByteReader | undefined): Imports {
  const accessors = new Map<number, Inlined>();
  let [functions, globals, otherMemory] = [0, 0, false];
  let limits: Limits | undefined;
  for (let count = reader?.number() ?? 0; reader !== undefined && count > 0; count--) {
    const from = reader.text();
    const name = reader.text();
    const kind = reader.byte();
    if (kind === KIND.function) {
      reader.skipNumber();
      const how = from === 'mirrorspace' ? INLINED.get(name) : undefined;
      if (how !== undefined) accessors.set(functions, how);
      functions++;
    } else if (kind === KIND.memory) {
      const found = readLimits(reader);
      if (from === 'mirrorspace' && name === 'memory') limits = found;
      else otherMemory = true;
    } else if (kind === KIND.table) {
      reader.skipNumber();
      readLimits(reader);
    } else if (kind === KIND.global) {
      reader.skip(2);
      globals++;
    } else throw new UnknownEncoding(`there is an unknown kind of import ${kind}`);
  }
  return { accessors, limits, otherMemory, globals };
}

function readLimits(reader: ByteReader): Limits {
  const from = reader.at;
  const hasMost = (reader.byte() & 1) !== 0;
  const least = reader.number();
  const most = hasMost ? reader.number() : Infinity;
  return { from, to: reader.at, least, most };
}

/** How many parameters each function of the module has. */
function parametersOf(types: ByteReader | undefined, functions: ByteReader | undefined): number[] {
  const counts: number[] = [];
  for (let count = types?.number() ?? 0; types !== undefined && count > 0; count--) {
    if (types.byte() !== 0x60) throw new UnknownEncoding('there is an unknown type');
    const parameters = types.number();
    types.skip(parameters);
    types.skip(types.number());
    counts.push(parameters);
  }
  const length = functions?.number() ?? 0;
  return Array.from({ length }, () => counts[functions!.number()]!);
}

function writeSection(out: ByteWriter, id: number, content: ByteWriter): void {
  out.byte(id).number(content.length).append(content);
}

/** A section with one element more, which `add` writes. */
function extended(reader: ByteReader | undefined, add: (out: ByteWriter) => void): ByteWriter {
  const out = new ByteWriter().number((reader?.number() ?? 0) + 1);
  if (reader !== undefined) out.copy(reader.bytes, reader.at, reader.end);
  add(out);
  return out;
}

const withGlobal = (reader: ByteReader | undefined) => extended(reader, (out) => out.byte(0x7f, 1, 0x41, 0, 0x0b));
const withExport = (reader: ByteReader, base: number) =>
  extended(reader, (out) => out.text(BASE_EXPORT).byte(KIND.global).number(base));

/** The imports, the device's memory among them with its size. What cannot be of that size stays, and does not run. */
function withMemory(reader: ByteReader, limits: Limits | undefined, pages: number): ByteWriter {
  const write = (out: ByteWriter) => out.byte(SHARED).number(pages).number(pages);
  if (limits === undefined)
    return extended(reader, (out) => write(out.text('mirrorspace').text('memory').byte(KIND.memory)));
  const { from, to, least, most } = limits;
  const out = new ByteWriter();
  if (pages < least || pages > most) return out.copy(reader.bytes, reader.at, reader.end);
  return write(out.copy(reader.bytes, reader.at, from)).copy(reader.bytes, to, reader.end);
}

function rewritten(
  reader: ByteReader,
  parameters: readonly number[],
  accessors: ReadonlyMap<number, Inlined>,
  base: number,
): ByteWriter {
  const count = reader.number();
  const out = new ByteWriter().number(count);
  for (let i = 0; i < count; i++) {
    const length = reader.number();
    const body = rewriteFunction(reader.part(length), parameters[i]!, accessors, base);
    out.number(body.length).append(body);
    reader.skip(length);
  }
  return out;
}
