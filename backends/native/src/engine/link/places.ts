import type { ByteReader } from './bytes.js';
import { OPCODE, skipImmediates } from './instructions.js';

/** Where in a function's body the linker writes something, from the first byte that it replaces to the one behind. */
export type Place =
  | { readonly kind: 'access'; readonly from: number; readonly to: number; readonly index: number }
  /** Behind the head of a loop that has an access in it. */
  | { readonly kind: 'loop'; readonly from: number; readonly to: number };

/**
 * Finds the places in the instructions of a function, in their order.
 * @param isAccessor whether the function of an index is one
 */
export function findPlaces(reader: ByteReader, isAccessor: (index: number) => boolean): Place[] {
  const places: (Place & { hasAccess?: boolean })[] = [];
  /** For each block that is open, its place if it is a loop. */
  const open: ((typeof places)[number] | undefined)[] = [];
  while (reader.at < reader.end) {
    const from = reader.at;
    const opcode = reader.byte();
    if (opcode === OPCODE.call) {
      const index = reader.number();
      if (!isAccessor(index)) continue;
      places.push({ kind: 'access', from, to: reader.at, index });
      for (const loop of open) if (loop !== undefined) loop.hasAccess = true;
      continue;
    }
    skipImmediates(reader, opcode);
    if (opcode === OPCODE.block || opcode === OPCODE.if) open.push(undefined);
    else if (opcode === OPCODE.end) open.pop();
    else if (opcode === OPCODE.loop) {
      const loop: Place = { kind: 'loop', from: reader.at, to: reader.at };
      places.push(loop);
      open.push(loop);
    }
  }
  return places.filter(({ kind, hasAccess }) => kind === 'access' || hasAccess === true);
}
