import { TLB } from '../words.js';
import type { ByteWriter } from './bytes.js';
import type { Inlined } from './inline.js';
import { OPCODE, TYPE } from './instructions.js';
import type { Locals } from './locals.js';

const PAGE = 2 ** TLB.pageShift;
const VOID = 0x40;
const I32_ATOMIC_LOAD8_U = 0x12;

/**
 * Writes an access in place of a call of the function `index`: by the cached translation, or, where there is none, by the call after all. One comparison
 * says whether the entry is of the page and of the present generation, and whether the address is aligned: of its low bits those stay that have
 * to be 0.
 */
export function writeAccess(out: ByteWriter, how: Inlined, index: number, locals: Locals): void {
  const { base, address, entry } = locals;
  const values = how.values.map((type, i) => locals.value(type, i));
  for (const value of values.toReversed()) out.byte(OPCODE.localSet).number(value);
  out.byte(OPCODE.localTee).number(address).byte(OPCODE.i64Const).signed(TLB.indexShift).byte(OPCODE.i64ShrU);
  out.byte(OPCODE.i32WrapI64, OPCODE.i32Const).signed(TLB.indexMask).byte(OPCODE.i32And);
  out.byte(OPCODE.localGet).number(base).byte(OPCODE.i32Add, OPCODE.localTee).number(entry);
  out.byte(OPCODE.i64Load, 3).number(how.cache);
  out
    .byte(OPCODE.localGet)
    .number(address)
    .byte(OPCODE.i64Const)
    .signed(how.low - PAGE)
    .byte(OPCODE.i64And);
  out.byte(OPCODE.localGet).number(base).byte(OPCODE.i64Load, 3).number(TLB.generation).byte(OPCODE.i64Or);
  out.byte(OPCODE.i64Eq, OPCODE.if).byte(how.result === undefined ? VOID : TYPE[how.result]);
  out
    .byte(OPCODE.localGet)
    .number(entry)
    .byte(OPCODE.i32Load, 2)
    .number(how.cache + 8);
  out.byte(OPCODE.localGet).number(address).byte(OPCODE.i32WrapI64, OPCODE.i32Add);
  for (const value of values) out.byte(OPCODE.localGet).number(value);
  out
    .byte(...how.instruction, OPCODE.else)
    .byte(OPCODE.localGet)
    .number(address);
  for (const value of values) out.byte(OPCODE.localGet).number(value);
  out.byte(OPCODE.call).number(index).byte(OPCODE.end);
}

/**
 * Writes, for the start of a function or the head of a loop: where the engine waits for an acknowledgement, look by no generation, so that the next access
 * is a call, which gives it. So a bounded number of instructions runs by old translations.
 */
export function writeRequested(out: ByteWriter, { base }: Locals): void {
  // Atomic, so that no compiler may read it once for a whole loop; of a byte, since that needs no check whether it is aligned.
  out.byte(OPCODE.localGet).number(base).byte(OPCODE.atomic, I32_ATOMIC_LOAD8_U, 0).number(TLB.requested);
  out.byte(OPCODE.if, VOID).byte(OPCODE.localGet).number(base).byte(OPCODE.i64Const).signed(TLB.noGeneration);
  out.byte(OPCODE.i64Store, 3).number(TLB.generation).byte(OPCODE.end);
}
