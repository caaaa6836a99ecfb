import { writeAccess, writeRequested } from './access.js';
import { type ByteReader, ByteWriter } from './bytes.js';
import type { Inlined } from './inline.js';
import { OPCODE, TYPE } from './instructions.js';
import { Locals } from './locals.js';
import { findPlaces } from './places.js';

/**
 * Writes the body of a function again, with accesses in place of calls of accessors, local variables for them, and looks for requests where it could
 * otherwise run for long.
 */
export function rewriteFunction(
  reader: ByteReader,
  parameters: number,
  accessors: ReadonlyMap<number, Inlined>,
  base: number,
): ByteWriter {
  const declarations = reader.number();
  const declared = reader.at;
  let count = parameters;
  for (let i = 0; i < declarations; i++) {
    count += reader.number();
    reader.skipNumber();
  }
  const start = reader.at;
  const places = findPlaces(reader, (index) => accessors.has(index));
  if (places.length === 0) return new ByteWriter().number(declarations).copy(reader.bytes, declared, reader.end);
  const locals = new Locals(count);
  const code = new ByteWriter();
  let copied = start;
  for (const place of places) {
    code.copy(reader.bytes, copied, place.from);
    copied = place.to;
    if (place.kind === 'loop') writeRequested(code, locals);
    else writeAccess(code, accessors.get(place.index)!, place.index, locals);
  }
  code.copy(reader.bytes, copied, reader.end);
  const out = new ByteWriter().number(declarations + locals.added.length).copy(reader.bytes, declared, start);
  for (const type of locals.added) out.number(1).byte(TYPE[type]);
  out.byte(OPCODE.globalGet).number(base).byte(OPCODE.localSet).number(locals.base);
  writeRequested(out, locals);
  return out.append(code);
}
