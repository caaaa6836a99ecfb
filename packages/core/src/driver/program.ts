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

/**
 * A program in WGSL, for devices that claim `program:wgsl`. Its code has a function `fn run(unit: Unit)`, which every lane of a
 * work unit (a workgroup) calls, and reaches memory by virtual addresses only: `load_u32(address)`, `store_f32(address, value)`,
 * `atomicAdd_u32(address, value)` and the like. Barriers and workgroup variables are its own to use.
 *
 * A unit takes effect once. First it runs without effect, to see whether every page it touches is there; only when all are, it
 * runs again and stores. Which addresses it touches must therefore not depend on what it stored itself: a launch that finds out
 * otherwise fails with `PROGRAM`.
 */
export interface WgslProgram extends Program {
  readonly language: 'wgsl';
  /** WGSL with a function `run(unit: Unit)`. Names that begin with `ms_` are taken. */
  readonly code: string;
  /** Lanes of a work unit: a number, or x, y and z. Default 64. */
  readonly lanes?: number | readonly [x: number, y: number, z: number];
  /**
   * Running a unit again, also after a part of it took effect, does no harm: it is run once, at once, and again if pages were
   * missing. Default `false`.
   */
  readonly idempotent?: boolean;
}

/**
 * A program in WebAssembly. Its module exports `run(x: i32, y: i32, z: i32)`, which runs one work unit, and imports from `mirrorspace` what
 * it needs. Addresses are virtual, and `i64`.
 *
 * - Words: `load_u8`, `load_u16`, `load_u32`, `load_u64`, `load_f32`, `load_f64` (address), `store_*` (address, value), and
 *   `atomic_add_u32` with `sub`, `and`, `or`, `xor`, `xchg` (address, value) and `cmpxchg` (address, expected, value), which return what was
 *   there. Addresses are multiples of the size, or the unit traps.
 * - Runs of words: `read(address)`, `write(address)` and `atomic(address)` return where the byte is in `memory`, the device's frames, which the
 *   module imports, and accesses by instructions of its own up to the end of the page (4096 bytes at least). That holds until the next call of
 *   an import. To use several pages at once, ask for all, then call `moved()`: 0 says that all hold; otherwise ask for all again.
 * - Arguments of the launch: `arg_i32`, `arg_i64`, `arg_f64` (number). What is no integer is cut off.
 *
 * An access of a page that is not there waits, and goes on when the page has come; a unit never starts again, so what it did stays done once. A trap
 * fails the launch with `PROGRAM`. Units run on several threads at once; globals of the module are each thread's own, and hold anything.
 */
export interface WasmProgram extends Program {
  readonly language: 'wasm';
  /** The module: its bytes, or WebAssembly text. */
  readonly code: Uint8Array | string;
}
