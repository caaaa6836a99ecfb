/** A page may be read through this entry. Set in every present entry. */
export const PTE_READ = 1;
/** A page may be written through this entry. */
export const PTE_WRITE = 2;
/** The frame is mapped by more than one entry on purpose (shared memory, fork); a validator then accepts it. */
export const PTE_SHARED = 4;

/** Bit that `harvest`, `unmap` and `protect` report: the device accessed the page since the last harvest. */
export const BIT_ACCESSED = 1;
/** Bit that `harvest`, `unmap` and `protect` report: the device wrote the page since the last harvest. */
export const BIT_DIRTY = 2;

/** Fault access code: a load. */
export const FAULT_READ = 1;
/** Fault access code: a store. */
export const FAULT_WRITE = 2;
/** Fault access code: an atomic read-modify-write; needs the same rights as a store. */
export const FAULT_ATOMIC = 3;

/** Why a fault is cancelled; index into {@link CANCEL_CODES}. */
export const CANCEL_NOT_MAPPED = 0;
/** Cancel reason: the region, or advice on it, forbids the access. */
export const CANCEL_DENIED = 1;
/** Cancel reason: the device cannot hold the pages that one work unit needs at once. */
export const CANCEL_OUT_OF_DEVICE_MEMORY = 2;
/** Cancel reason: no host frame was left for the page. */
export const CANCEL_OUT_OF_HOST_MEMORY = 3;
/** Cancel reason: the byte source of the page failed. */
export const CANCEL_IO = 4;
/** Cancel reason: a bounded wait expired without progress. */
export const CANCEL_TIMEOUT = 5;
/** The page existed only on a device that was lost. */
export const CANCEL_LOST = 6;
/** The mirror is being detached. */
export const CANCEL_CLOSED = 7;

/** Error code that a stalled access fails with, by cancel reason. */
export const CANCEL_CODES = [
  'ADDRESS_NOT_MAPPED',
  'ACCESS_DENIED',
  'OUT_OF_DEVICE_MEMORY',
  'OUT_OF_HOST_MEMORY',
  'IO',
  'DEVICE_TIMEOUT',
  'DEVICE_LOST',
  'CLOSED',
] as const;

/** Snapshot flags of one page (mirroring MMUs), after the kernel's HMM test device. 0: nothing there. */
export const SNAPSHOT_READ = 1;
/** The page may be written. */
export const SNAPSHOT_WRITE = 2;
/** The page is the zero page. */
export const SNAPSHOT_ZERO = 4;
/** The page lives in this device's memory. */
export const SNAPSHOT_LOCAL = 8;
/** The page lives in another device's memory. */
export const SNAPSHOT_REMOTE = 16;
/** The page may not be accessed at all. */
export const SNAPSHOT_ERROR = 128;
