import { type ByteReader, UnknownEncoding } from './bytes.js';

/** Opcodes that the linker writes or looks for. */
export const OPCODE = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  call: 0x10,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  i32Load: 0x28,
  i64Load: 0x29,
  i64Store: 0x37,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Add: 0x6a,
  i32And: 0x71,
  i64Eq: 0x51,
  i64And: 0x83,
  i64Or: 0x84,
  i64ShrU: 0x88,
  i32WrapI64: 0xa7,
  atomic: 0xfe,
} as const;

/** Types of values. */
export const TYPE = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c } as const;

/**
 * Passes over the immediates of an instruction whose opcode was read.
 * @throws UnknownEncoding for instructions of proposals that came later than threads and SIMD
 */
export function skipImmediates(reader: ByteReader, opcode: number): void {
  switch (opcode) {
    case 0x02: // block, loop, if
    case 0x03:
    case 0x04:
    case 0x0c: // br, br_if
    case 0x0d:
    case 0x10: // call
    case 0x20: // local and global variables, table.get and set
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x24:
    case 0x25:
    case 0x26:
    case 0x3f: // memory.size, memory.grow
    case 0x40:
    case 0x41: // i32.const, i64.const
    case 0x42:
    case 0xd0: // ref.null, ref.func
    case 0xd2:
      return reader.skipNumber();
    case 0x0e: // br_table
      for (let count = reader.number() + 1; count > 0; count--) reader.skipNumber();
      return;
    case 0x11: // call_indirect
      return skipNumbers(reader, 2);
    case 0x1c: // select of given types
      return reader.skip(reader.number());
    case 0x43:
      return reader.skip(4);
    case 0x44:
      return reader.skip(8);
    case 0xfc:
      return skipMemoryAndTables(reader, reader.number());
    case 0xfd:
      return skipSimd(reader, reader.number());
    case 0xfe:
      // A fence has one byte, all others where in memory.
      return skipNumbers(reader, reader.number() === 3 ? 1 : 2);
    default:
      if (opcode >= 0x28 && opcode <= 0x3e) return skipNumbers(reader, 2);
      if (opcode <= 1 || opcode === 5 || opcode === 0x0b || opcode === 0x0f || opcode === 0x1a || opcode === 0x1b)
        return;
      if ((opcode >= 0x45 && opcode <= 0xc4) || opcode === 0xd1) return;
      throw new UnknownEncoding(`there is an unknown instruction 0x${opcode.toString(16)}`);
  }
}

function skipNumbers(reader: ByteReader, count: number): void {
  for (; count > 0; count--) reader.skipNumber();
}

/** Conversions that saturate have none; the others name segments, memories and tables. */
function skipMemoryAndTables(reader: ByteReader, code: number): void {
  if (code > 17) throw new UnknownEncoding(`there is an unknown instruction 0xfc ${code}`);
  const counts = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1];
  skipNumbers(reader, counts[code]!);
}

function skipSimd(reader: ByteReader, code: number): void {
  if (code > 255) throw new UnknownEncoding(`there is an unknown instruction 0xfd ${code}`);
  if (code <= 11 || (code >= 84 && code <= 93)) skipNumbers(reader, 2);
  if (code === 12 || code === 13) reader.skip(16);
  // A lane.
  if ((code >= 21 && code <= 34) || (code >= 84 && code <= 91)) reader.skip(1);
}
