/*
 * Commands as a lane's mail has them: a header, then the lists. Numbers in 64-bit floats come first, so that all lies at its alignment.
 */

/** Codes of what the engine's thread runs. 0 ends a segment. */
export const OP = {
  end: 0,
  map: 1,
  unmap: 2,
  protect: 3,
  flushTlb: 4,
  harvest: 5,
  replayFaults: 6,
  cancelFaults: 7,
  read: 8,
  write: 9,
  fill: 10,
  atomicAdd: 11,
  launch: 12,
  copyIn: 13,
  copyOut: 14,
  openMmu: 15,
  closeMmu: 16,
} as const;

/** Words of a command's header. */
export const COMMAND = {
  op: 0,
  /** Place of the MMU. */
  mmu: 1,
  /** Pages, frames or bytes. */
  count: 2,
  /** Which page size. */
  size: 3,
  /** Bytes of the command, header included, a multiple of 8. */
  bytes: 4,
  /** Whether bits are wanted; the window; the value; the number of a shared buffer. */
  extra: 5,
  /** At byte 24, an address. */
  address: 6,
} as const;
export const COMMAND_BYTES = 32;

/** Numbers of a launch behind its header; its arguments follow. */
export const LAUNCH = { program: 0, x: 1, y: 2, z: 3, chunk: 4, args: 5 } as const;

/** Bytes of a command with `count` pages and frames: pages, frames, a byte each twice. */
export function listBytes(count: number): number {
  return COMMAND_BYTES + ((count * 14 + 7) & ~7);
}

/** Where the lists of a command begin, behind its header at byte `at`. */
export function listsAt(at: number, count: number): { pages: number; frames: number; access: number; bits: number } {
  const pages = at + COMMAND_BYTES;
  const frames = pages + 8 * count;
  const access = frames + 4 * count;
  return { pages, frames, access, bits: access + count };
}

/** A place in a shared host buffer, as one number: which buffer, and the byte in it. */
export const HOST_BYTES = 2 ** 40;
/** The place of a page of zeros. */
export const ZEROS = -1;
