import type { PoolShape } from '../frame-pool.js';
import type { TableStart } from '../table/radix.js';
import type { ControlLayout } from './control.js';

/** What the library is generated for. */
export interface LibraryOptions {
  /** Bits of a byte address. Up to 34, a program's addresses are 32-bit numbers of words; above, `vec2u` of low and high bits of a byte address. */
  readonly addressBits: number;
  /** Bytes of the smallest page. */
  readonly pageBytes: number;
  readonly pool: PoolShape;
  readonly control: ControlLayout;
  readonly table: TableStart;
  /** Whether there is more in the table than the entries of the first pages. */
  readonly deep: boolean;
  /** Whether lanes keep the pages that they translated last: that pays where a branch not taken costs nothing. */
  readonly keepsPages: boolean;
  /** Whether the program uses atomic operations. */
  readonly atomics: boolean;
}

/** Bindings before those of the frames. */
export const FIRST_POOL_BINDING = 4;
/** Most bits of an address that a 32-bit number of words can hold. */
export const WORD_ADDRESS_BITS = 34;
