/**
 * Something a device can run. `language` says which devices can: a device claims `program:<language>`.
 * What else a program holds is between the language and its devices.
 */
export interface Program {
  readonly language: string;
}

/** Where a work unit stands in its grid. */
export interface UnitId {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/**
 * What a JavaScript work unit sees of memory: virtual addresses only. A load or store of a page that is not there
 * abandons the unit without effect; the device runs it again after the fault was served.
 * Word accesses need addresses aligned to their size (RangeError otherwise, which fails the launch with `PROGRAM`).
 */
export interface UnitContext {
  load8(address: number): number;
  load32(address: number): number;
  /** As `load32`, but signed. */
  loadI32(address: number): number;
  loadF32(address: number): number;
  loadF64(address: number): number;
  store8(address: number, value: number): void;
  store32(address: number, value: number): void;
  storeF32(address: number, value: number): void;
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
  readonly language: 'js';
  /** Runs one work unit. `'retry'` abandons it (see {@link UnitContext.probe}); anything else completes it. */
  run(ctx: UnitContext, id: UnitId, args: readonly number[]): unknown;
}
