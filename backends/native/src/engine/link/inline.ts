import { WIDTHS, UPDATES } from '../accessors.js';
import { TLB } from '../words.js';
import { OPCODE, type TYPE } from './instructions.js';

type ValueType = keyof typeof TYPE;

/** An accessor that is put in place of its call. */
export interface Inlined {
  /** What it takes behind the address. */
  readonly values: readonly ValueType[];
  readonly result: ValueType | undefined;
  /** Byte offset of the cache of translations that allow it. */
  readonly cache: number;
  /** Bits of the address that have to be 0. */
  readonly low: number;
  /** The instruction, with its immediates; it finds where in memory, and the values, on the stack. None: where in memory is the result. */
  readonly instruction: readonly number[];
}

/** All accessors by name. */
export const INLINED: ReadonlyMap<string, Inlined> = new Map(accessors());

function* accessors(): Iterable<[string, Inlined]> {
  for (const { name, type, bytes, loadCode, storeCode } of WIDTHS) {
    const align = Math.log2(bytes);
    const low = bytes - 1;
    yield [`load_${name}`, { values: [], result: type, cache: TLB.read, low, instruction: [loadCode, align, 0] }];
    yield [
      `store_${name}`,
      { values: [type], result: undefined, cache: TLB.write, low, instruction: [storeCode, align, 0] },
    ];
  }
  const update = (code: number, values: readonly ValueType[]): Inlined => {
    return { values, result: 'i32', cache: TLB.write, low: 0, instruction: [OPCODE.atomic, code, 2, 0] };
  };
  for (const { name, code } of UPDATES) yield [`atomic_${name}_u32`, update(code, ['i32'])];
  yield ['atomic_cmpxchg_u32', update(0x48, ['i32', 'i32'])];
  const place = (cache: number): Inlined => ({ values: [], result: 'i32', cache, low: 0, instruction: [] });
  yield ['read', place(TLB.read)];
  yield ['write', place(TLB.write)];
  yield ['atomic', place(TLB.write)];
}
