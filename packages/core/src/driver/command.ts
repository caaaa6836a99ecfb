import type { Program } from './program.js';

/** Host frame number that stands for a page of zeros without storage. Only `copyIn` may name it. */
export const ZERO_FRAME = 0xffffffff;

/** Where the bytes of host frames are. Frame `f` is `pageSize` bytes of `bufferOf(f)` from `offsetOf(f)`. */
export interface HostFrames {
  readonly pageSize: number;
  bufferOf(frame: number): Uint8Array;
  offsetOf(frame: number): number;
}

/**
 * A list of pages. Page and device frame numbers count in units of `pageSize`: page `p` is the virtual bytes
 * `[p * pageSize, (p + 1) * pageSize)`, frame `f` the same of device memory. Only the first `count` elements count.
 * The arrays belong to the command until its fence settles.
 */
export interface PageList {
  readonly mmu: number;
  readonly pageSize: number;
  readonly count: number;
  readonly pages: Float64Array;
}

/** Makes entries present, replacing what was there. `access` holds `PTE_*` bits an entry. A new entry is clean and not accessed. */
export interface MapCommand extends PageList {
  readonly kind: 'map';
  readonly frames: Uint32Array;
  readonly access: Uint8Array;
}

/**
 * Removes entries. Cached translations may live on until `flushTlb`. An absent entry is no error.
 * `bits[i]` receives the entry's last `BIT_*` (0 where absent), read and removed in one step.
 */
export interface UnmapCommand extends PageList {
  readonly kind: 'unmap';
  readonly bits?: Uint8Array;
}

/** Changes the rights of present entries (absent ones stay absent); `bits` as in {@link UnmapCommand}, and the entry's bits are cleared if asked for. */
export interface ProtectCommand extends PageList {
  readonly kind: 'protect';
  readonly access: Uint8Array;
  readonly bits?: Uint8Array;
}

/** After its fence no access uses a translation that was cached before and is no longer in the table. No `pages`: the whole MMU. */
export interface FlushTlbCommand {
  readonly kind: 'flushTlb';
  readonly mmu: number;
  readonly pageSize?: number;
  readonly count?: number;
  readonly pages?: Float64Array;
}

/**
 * Reads the entries' `BIT_*` into `bits` and clears them, in one step an entry. A later access sets them again,
 * whatever translation was cached. Absent entries give 0.
 */
export interface HarvestCommand extends PageList {
  readonly kind: 'harvest';
  readonly bits: Uint8Array;
}

/** Copies host frames (or zeros, {@link ZERO_FRAME}) into device frames. */
export interface CopyInCommand {
  readonly kind: 'copyIn';
  readonly pageSize: number;
  readonly count: number;
  readonly host: HostFrames;
  readonly hostFrames: Uint32Array;
  readonly frames: Uint32Array;
}

/**
 * Copies device frames to host frames. With `when`, only frame `i` with `when[i] & BIT_DIRTY`: the array that an
 * earlier command of the same submission fills. Host frames not copied keep their bytes.
 */
export interface CopyOutCommand {
  readonly kind: 'copyOut';
  readonly pageSize: number;
  readonly count: number;
  readonly host: HostFrames;
  readonly hostFrames: Uint32Array;
  readonly frames: Uint32Array;
  readonly when?: Uint8Array;
}

/**
 * Says that frames hold nothing of value any more: the device may give their storage back or poison them. Without it, a frame
 * keeps its content until a copy or an access changes it, whether entries map it or not.
 */
export interface DiscardCommand {
  readonly kind: 'discard';
  readonly pageSize: number;
  readonly count: number;
  readonly frames: Uint32Array;
}

/** Lets stalled accesses of an MMU try again; with `window` at most that many work units a launch, the others stay stalled until a later replay. Only where `replayable-faults` is claimed. */
export interface ReplayFaultsCommand {
  readonly kind: 'replayFaults';
  readonly mmu: number;
  readonly window?: number;
}

/** Fails the accesses that are stalled on these pages with `CANCEL_CODES[reasons[i]]`. Others stay stalled. Only where `replayable-faults` is claimed. */
export interface CancelFaultsCommand extends PageList {
  readonly kind: 'cancelFaults';
  readonly reasons: Uint8Array;
}

/** Runs a program over a grid of work units, each exactly once, in any order. The fence signals when all are done. */
export interface LaunchCommand {
  readonly kind: 'launch';
  readonly mmu: number;
  readonly program: Program;
  /** Work units a dimension; each ≥ 1. */
  readonly grid: readonly [x: number, y: number, z: number];
  readonly args: readonly number[];
}

/** Reads virtual bytes; `into` is written only if the whole access succeeds. */
export interface ReadCommand {
  readonly kind: 'read';
  readonly mmu: number;
  readonly address: number;
  readonly into: Uint8Array;
}

/** Writes virtual bytes; a page's part takes effect whole or not at all. */
export interface WriteCommand {
  readonly kind: 'write';
  readonly mmu: number;
  readonly address: number;
  readonly from: Uint8Array;
}

/** Sets `bytes` virtual bytes to `value` (0 to 255). */
export interface FillCommand {
  readonly kind: 'fill';
  readonly mmu: number;
  readonly address: number;
  readonly bytes: number;
  readonly value: number;
}

/** Adds to the aligned 32-bit word at `address` modulo 2^32, exactly once; `previous[0]` receives the old value on success. */
export interface AtomicAddCommand {
  readonly kind: 'atomicAdd';
  readonly mmu: number;
  readonly address: number;
  readonly value: number;
  readonly previous: Uint32Array;
}

/** Mirroring MMUs: asks the device's driver to bring a range into the device page table without moving data. */
export interface PrefetchCommand {
  readonly kind: 'prefetch';
  readonly mmu: number;
  readonly start: number;
  readonly end: number;
}

/** Mirroring MMUs: moves the pages of a range to device or host memory, best effort; `moved[0]` receives how many moved. */
export interface MigrateCommand {
  readonly kind: 'migrate';
  readonly mmu: number;
  readonly start: number;
  readonly end: number;
  readonly to: 'device' | 'host';
  readonly moved: Uint32Array;
}

/** Mirroring MMUs: writes `SNAPSHOT_*` flags a page of the range into `flags`. */
export interface SnapshotCommand {
  readonly kind: 'snapshot';
  readonly mmu: number;
  readonly start: number;
  readonly end: number;
  readonly flags: Uint8Array;
}

/** Mirroring MMUs: takes the pages of a range for the device alone until the CPU touches them; `taken[0]` receives how many. */
export interface ExclusiveCommand {
  readonly kind: 'exclusive';
  readonly mmu: number;
  readonly start: number;
  readonly end: number;
  readonly taken: Uint32Array;
}

/** Commands that change or read the device page table or move frames; they never fault. */
export type PagingCommand =
  | MapCommand
  | UnmapCommand
  | ProtectCommand
  | FlushTlbCommand
  | HarvestCommand
  | CopyInCommand
  | CopyOutCommand
  | DiscardCommand
  | ReplayFaultsCommand
  | CancelFaultsCommand;

/** Commands that access virtual addresses, and so may fault and stall their queue. */
export type AccessCommand = LaunchCommand | ReadCommand | WriteCommand | FillCommand | AtomicAddCommand;

/** Commands for MMUs that the device's own driver fills. */
export type MirroringCommand = PrefetchCommand | MigrateCommand | SnapshotCommand | ExclusiveCommand;

/** Everything a queue can be told. Commands are data: they can be traced, validated, replayed and printed. */
export type Command = PagingCommand | AccessCommand | MirroringCommand;

/** The name of a command. */
export type CommandKind = Command['kind'];
