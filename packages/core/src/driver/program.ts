/**
 * Something a device can run. `language` says which devices can: a device claims `program:<language>`.
 * What else a program holds is between the language and its devices.
 */
export interface Program {
  /** Names the language; a device runs it that claims `program:<language>`. */
  readonly language: string;
}

/** Where a work unit stands in its grid. */
export interface UnitId {
  /** Index in the first dimension, from 0. */
  readonly x: number;
  /** Index in the second dimension, from 0. */
  readonly y: number;
  /** Index in the third dimension, from 0. */
  readonly z: number;
}

/**
 * What a JavaScript work unit sees of memory: virtual addresses only. A load or store of a page that is not there
 * abandons the unit without effect; the device runs it again after the fault was served.
 * Word accesses need addresses aligned to their size (RangeError otherwise, which fails the launch with `PROGRAM`).
 */
export interface UnitContext {
  /** The byte at `address`, 0 to 255. */
  load8(address: number): number;
  /** The 32-bit word at `address`, 0 to 2^32 - 1. */
  load32(address: number): number;
  /** As `load32`, but signed. */
  loadI32(address: number): number;
  /** The 32-bit float at `address`. */
  loadF32(address: number): number;
  /** The 64-bit float at `address`. */
  loadF64(address: number): number;
  /** Stores the low 8 bits of `value`. */
  store8(address: number, value: number): void;
  /** Stores the low 32 bits of `value`. */
  store32(address: number, value: number): void;
  /** Stores `value` rounded to a 32-bit float. */
  storeF32(address: number, value: number): void;
  /** Stores `value` as a 64-bit float. */
  storeF64(address: number, value: number): void;
  /** Adds modulo 2^32 and returns the previous value (0 to 2^32 - 1). */
  atomicAdd(address: number, value: number): number;
  /**
   * Says whether `address` can be accessed now; if not, the fault is reported and the unit should return `'retry'`.
   * Quicker than the exception by which a plain load gives up.
   */
  probe(address: number, access?: 'read' | 'write'): boolean;
}

/** A program in plain JavaScript, for devices that claim `program:js`. It must be synchronous and hold no state of its own. */
export interface JsProgram extends Program {
  /** Plain JavaScript: devices that claim `program:js` run it. */
  readonly language: 'js';
  /** Runs one work unit. `'retry'` abandons it (see {@link UnitContext.probe}); anything else completes it. */
  run(ctx: UnitContext, id: UnitId, args: readonly number[]): unknown;
}
