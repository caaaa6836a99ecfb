/*
 * What the host, the engine thread and the compute units share: one memory for control, laid out here, and one for frames.
 * Everything is 32-bit words, but for numbers of up to 53 bits, which are 64-bit floats. Words that more than one thread writes, or that
 * say that others may be read, are only accessed by `Atomics`.
 */

/** Words of the header. */
export const HEAD = {
  /** Counts up whenever there may be something for the engine to do; it sleeps on this word. */
  doorbell: 16,
  /** 1: the host sleeps, and whoever has news for it sends a message. */
  hostSleeps: 32,
  /** Counts the news for the host. */
  news: 48,
  /** 1: everybody leaves. */
  closed: 64,
  /** 1: nothing goes on; for the conformance suite. */
  hangs: 65,
  /** Work units and access commands that are stalled, and those that finished. */
  stalled: 80,
  retired: 96,
  /** Counts units that did not end in time, and whose thread the host is to replace. */
  overdue: 112,
} as const;
export const HEAD_BYTES = 1024;

/** What a slot, that is something that can stall, is doing. */
export const STATE = {
  /** No thread serves it. */
  none: 0,
  idle: 1,
  /** The engine let it go on, and it has not looked yet: it accesses nothing. */
  start: 2,
  /** It may be accessing memory. */
  run: 3,
  /** It waits for a replay. */
  faulted: 4,
} as const;

/** Words of a slot. */
export const SLOT = {
  state: 0,
  /** The epoch of its MMU that it saw last: it uses no translation from before. */
  ack: 1,
  /** Counts its units and stalls: by this the engine sees that it is alive. */
  beat: 2,
  mmu: 3,
  /** Its last fault: number, `FAULT_*` code, and at byte 24 the address. */
  fault: 4,
  access: 5,
  address: 6,
  /** 1 + the `CANCEL_*` reason for which its stalled access fails. */
  cancel: 8,
  /** 1: it did not end in time. */
  overdue: 9,
} as const;
export const SLOT_BYTES = 128;

/** Words of a lane: a queue, and what the engine does for it. */
export const LANE = {
  /** Segments sent, and done. */
  sent: 0,
  done: 1,
  /** How the last ended, at which command, and at byte 16 at which address. */
  status: 2,
  failedAt: 3,
  address: 4,
  /** The `CANCEL_*` reason, or the slot whose message says more. */
  detail: 6,
  /** Chunks of units that were taken, and all of them. */
  next: 16,
  chunks: 17,
  /** Status of the launch, once something failed. */
  failed: 19,
} as const;
export const LANE_BYTES = 128;

/** How a segment ended. */
export const STATUS = {
  done: 0,
  cancelled: 1,
  overlap: 2,
  /** The page tables have no room. */
  full: 3,
  program: 4,
  /** The MMU was closed. */
  closed: 5,
  /** An address beyond the address space. */
  beyond: 6,
} as const;

/** Words of an MMU: address of its root block, its epoch, at byte 8 the first address beyond, and 1 once it was closed. */
export const MMU = { root: 0, epoch: 1, end: 2, closed: 4 } as const;
export const MMU_BYTES = 64;
/** MMUs that can be open at once. */
export const MOST_MMUS = 256;

/** Entries of a block of a page table, and the bits of a page number that choose one. */
export const BLOCK_BITS = 9;
export const BLOCK_BYTES = 4 << BLOCK_BITS;
/** Blocks from the root to an entry. */
export const LEVELS = 4;

/** Bits of an entry, above those of `PTE_*`. The rest is the offset of its frame. */
export const ENTRY = { accessed: 8, dirty: 16, sizeShift: 5, sizeMask: 0x60, rights: 7 } as const;

/** Places of a unit's cache of leaf blocks. */
export const CACHE_ENTRIES = 64;
export const CACHE_BYTES = 16 * CACHE_ENTRIES;
export const MESSAGE_BYTES = 512;
/** Bytes of what is sent to a lane at once. */
export const MAIL_BYTES = 256 * 1024;

/**
 * A compute unit's cache of translations, behind the frames in their memory, where programs can look: an entry for each of the last 4096 pages of
 * 4096 bytes, read and written ones apart. An entry is the page's address, with the generation in its low bits, and at byte 8 what to add
 * to an address of the page to have where it is in memory. Entries of other generations than the present one do not count.
 */
export const TLB = {
  pageShift: 12,
  entries: 4096,
  /** The byte offset of an entry is as many bits of the address, from here on. */
  indexShift: 8,
  indexMask: 0xfff0,
  /**
   * Byte offsets: 1 in a byte that only the engine sets, if it waits for an acknowledgement; the generation by which programs look, and that of new
   * entries; entries for loads, entries for stores.
   */
  requested: 0,
  generation: 8,
  current: 16,
  read: 64,
  write: 64 + 16 * 4096,
  bytes: 64 + 32 * 4096,
  /** The lowest bit of a generation: those below say whether an address is aligned. */
  generationStep: 8,
  /** No entry has it: with this, programs find nothing. Before it is reached, the cache is emptied. */
  noGeneration: 0xff8,
} as const;
