import type { Program } from './program.js';

/** Host frame number that stands for a page of zeros without storage. Only `copyIn` may name it. */
export const ZERO_FRAME = 0xffffffff;

/** Where the bytes of host frames are. Frame `f` is `pageSize` bytes of `bufferOf(f)` from `offsetOf(f)`. */
export interface HostFrames {
  /** Bytes a frame. */
  readonly pageSize: number;
  /** The buffer that holds a frame; several frames may share one. */
  bufferOf(frame: number): Uint8Array;
  /** Offset in bytes of a frame's first byte in its buffer. */
  offsetOf(frame: number): number;
}

/** What commands for one MMU have in common. */
export interface MmuCommand {
  /** The MMU's {@link DeviceMmu.id}. */
  readonly mmu: number;
}

/**
 * A list of pages. Page and device frame numbers count in units of `pageSize`: page `p` is the virtual bytes
 * `[p * pageSize, (p + 1) * pageSize)`, frame `f` the same of device memory. Only the first `count` elements count.
 * The arrays belong to the command until its fence settles.
 */
export interface PageList extends MmuCommand {
  /** Bytes a page, one of `limits.pageSizes`. */
  readonly pageSize: number;
  /** Pages listed, 0 to `limits.pagesPerCommand`. */
  readonly count: number;
  /** Page numbers. */
  readonly pages: Float64Array;
}

/** What commands on frames of device memory have in common. The arrays belong to the command until its fence settles. */
export interface FrameList {
  /** Bytes a frame, one of `limits.pageSizes`. */
  readonly pageSize: number;
  /** Frames listed, 0 to `limits.pagesPerCommand`. */
  readonly count: number;
  /** Device frame numbers, in units of `pageSize`. */
  readonly frames: Uint32Array;
}

/** What both copies have in common: element `i` of one list goes with element `i` of the other. */
export interface FrameCopy extends FrameList {
  /** Where the bytes of host frames are; its `pageSize` is the command's. */
  readonly host: HostFrames;
  /** Host frame numbers. */
  readonly hostFrames: Uint32Array;
}

/** What commands on a range of virtual addresses have in common. */
export interface RangeCommand extends MmuCommand {
  /** First byte address, a multiple of the smallest of `limits.pageSizes`, which is that of the pages meant. */
  readonly start: number;
  /** End address, exclusive, such a multiple, too. */
  readonly end: number;
}

/** Makes entries present, replacing what was there. `access` holds `PTE_*` bits an entry. A new entry is clean and not accessed. */
export interface MapCommand extends PageList {
  /** Tells it from other commands. */
  readonly kind: 'map';
  /** Device frames the entries point to. */
  readonly frames: Uint32Array;
  /** `PTE_*` bits of each entry. */
  readonly access: Uint8Array;
}

/**
 * Removes entries. Cached translations may live on until `flushTlb`. An absent entry is no error.
 * `bits[i]` receives the entry's last `BIT_*` (0 where absent), read and removed in one step.
 */
export interface UnmapCommand extends PageList {
  /** Tells it from other commands. */
  readonly kind: 'unmap';
  /** Receives each entry's last `BIT_*`. */
  readonly bits?: Uint8Array;
}

/** Changes the rights of present entries (absent ones stay absent); `bits` as in {@link UnmapCommand}, and the entry's bits are cleared if asked for. */
export interface ProtectCommand extends PageList {
  /** Tells it from other commands. */
  readonly kind: 'protect';
  /** New `PTE_*` bits of each entry. */
  readonly access: Uint8Array;
  /** Receives each entry's `BIT_*`, which are cleared. */
  readonly bits?: Uint8Array;
}

/** After its fence no access uses a translation that was cached before and is no longer in the table. No `pages`: the whole MMU. */
export interface FlushTlbCommand extends MmuCommand {
  /** Tells it from other commands. */
  readonly kind: 'flushTlb';
  /** Bytes a page; needed with `pages`. */
  readonly pageSize?: number;
  /** Pages listed; needed with `pages`. */
  readonly count?: number;
  /** Page numbers; absent: the whole MMU. */
  readonly pages?: Float64Array;
}

/**
 * Reads the entries' `BIT_*` into `bits` and clears them, in one step an entry. A later access sets them again,
 * whatever translation was cached. Absent entries give 0.
 */
export interface HarvestCommand extends PageList {
  /** Tells it from other commands. */
  readonly kind: 'harvest';
  /** Receives each entry's `BIT_*`. */
  readonly bits: Uint8Array;
}

/** Copies host frames (or zeros, {@link ZERO_FRAME}) into device frames. */
export interface CopyInCommand extends FrameCopy {
  /** Tells it from other commands. */
  readonly kind: 'copyIn';
}

/**
 * Copies device frames to host frames. With `when`, only frame `i` with `when[i] & BIT_DIRTY`: the array that an
 * earlier command of the same submission fills. Host frames not copied keep their bytes.
 */
export interface CopyOutCommand extends FrameCopy {
  /** Tells it from other commands. */
  readonly kind: 'copyOut';
  /** Copies frame `i` only if `when[i]` has `BIT_DIRTY` by the time the command runs; absent: all. */
  readonly when?: Uint8Array;
}

/**
 * Says that frames hold nothing of value any more: the device may give their storage back or poison them. Without it, a frame
 * keeps its content until a copy or an access changes it, whether entries map it or not.
 */
export interface DiscardCommand extends FrameList {
  /** Tells it from other commands. */
  readonly kind: 'discard';
}

/** Lets stalled accesses of an MMU try again; with `window` at most that many work units a launch, the others stay stalled until a later replay. Only where `replayable-faults` is claimed. */
export interface ReplayFaultsCommand extends MmuCommand {
  /** Tells it from other commands. */
  readonly kind: 'replayFaults';
  /** Most work units a launch that may try again, at least 1; absent: all. */
  readonly window?: number;
}

/** Fails the accesses that are stalled on these pages with `CANCEL_CODES[reasons[i]]`. Others stay stalled. Only where `replayable-faults` is claimed. */
export interface CancelFaultsCommand extends PageList {
  /** Tells it from other commands. */
  readonly kind: 'cancelFaults';
  /** `CANCEL_*` reason of each page. */
  readonly reasons: Uint8Array;
}

/** Ranges of byte addresses that the units of a launch may access, as `[address, bytes]`. */
export interface LaunchRanges {
  /** What they read. */
  readonly reads: readonly (readonly [address: number, bytes: number])[];
  /** What they write, and may read. */
  readonly writes: readonly (readonly [address: number, bytes: number])[];
}

/** Runs a program over a grid of work units, each exactly once, in any order. The fence signals when all are done. */
export interface LaunchCommand extends MmuCommand {
  /** Tells it from other commands. */
  readonly kind: 'launch';
  /** What to run, in a language that the device claims. */
  readonly program: Program;
  /** Work units a dimension; each ≥ 1. */
  readonly grid: readonly [x: number, y: number, z: number];
  /** Numbers that every work unit receives. */
  readonly args: readonly number[];
  /**
   * All that its units access. Where every page is there, a device need not be ready for faults, and may take all of `writes` for written; a unit
   * that reaches beyond may fail the launch with `PROGRAM`.
   */
  readonly only?: LaunchRanges;
}

/** Reads virtual bytes; `into` is written only if the whole access succeeds. */
export interface ReadCommand extends MmuCommand {
  /** Tells it from other commands. */
  readonly kind: 'read';
  /** First byte address. */
  readonly address: number;
  /** Receives the bytes; its length says how many. */
  readonly into: Uint8Array;
}

/** Writes virtual bytes; a page's part takes effect whole or not at all. */
export interface WriteCommand extends MmuCommand {
  /** Tells it from other commands. */
  readonly kind: 'write';
  /** First byte address. */
  readonly address: number;
  /** The bytes; they belong to the command until its fence settles. */
  readonly from: Uint8Array;
}

/** Sets `bytes` virtual bytes to `value` (0 to 255). */
export interface FillCommand extends MmuCommand {
  /** Tells it from other commands. */
  readonly kind: 'fill';
  /** First byte address. */
  readonly address: number;
  /** Bytes to set. */
  readonly bytes: number;
  /** What each byte becomes, 0 to 255. */
  readonly value: number;
}

/** Adds to the aligned 32-bit word at `address` modulo 2^32, exactly once; `previous[0]` receives the old value on success. */
export interface AtomicAddCommand extends MmuCommand {
  /** Tells it from other commands. */
  readonly kind: 'atomicAdd';
  /** Byte address, a multiple of 4. */
  readonly address: number;
  /** What is added. */
  readonly value: number;
  /** Receives the old value, 0 to 2^32 - 1. */
  readonly previous: Uint32Array;
}

/** Mirroring MMUs: asks the device's driver to bring a range into the device page table without moving data. */
export interface PrefetchCommand extends RangeCommand {
  /** Tells it from other commands. */
  readonly kind: 'prefetch';
}

/**
 * Mirroring MMUs: moves the pages of a range to device or host memory, best effort; `moved[0]` receives how many moved, or, where the device does
 * not claim `snapshots`, at most how many.
 */
export interface MigrateCommand extends RangeCommand {
  /** Tells it from other commands. */
  readonly kind: 'migrate';
  /** Which memory the pages move to. */
  readonly to: 'device' | 'host';
  /** Receives the number of pages moved. */
  readonly moved: Uint32Array;
}

/** Mirroring MMUs that claim `snapshots`: writes `SNAPSHOT_*` flags a page of the range into `flags`. */
export interface SnapshotCommand extends RangeCommand {
  /** Tells it from other commands. */
  readonly kind: 'snapshot';
  /** Receives the `SNAPSHOT_*` flags of each page. */
  readonly flags: Uint8Array;
}

/** Mirroring MMUs: takes the pages of a range for the device alone until the CPU touches them; `taken[0]` receives how many. */
export interface ExclusiveCommand extends RangeCommand {
  /** Tells it from other commands. */
  readonly kind: 'exclusive';
  /** Receives the number of pages taken. */
  readonly taken: Uint32Array;
}

/** Where pages of a range should live, as the MMU that is told has it: with its own device, on the host, with another device, or wherever they are. */
export type PreferredLocation = 'device' | 'host' | 'elsewhere' | 'anywhere';

/**
 * Mirroring MMUs that claim `advice`: tells the device's driver, which serves its faults by itself, what is known of a range. It holds in place of
 * what was said before, until the process unmaps the range. It moves nothing and changes no content. From then on an access of the device to a page
 * brings it where `preferred` is `device` and there is room, and leaves it where it is where that is `host` or `elsewhere`; of the rest the driver makes what it can.
 */
export interface AdviseCommand extends RangeCommand {
  /** Tells it from other commands. */
  readonly kind: 'advise';
  /** Where its pages should live. */
  readonly preferred: PreferredLocation;
  /** They are read far more often than written: copies are welcome. */
  readonly readMostly: boolean;
  /** The device uses them often: it keeps entries for them wherever they live. */
  readonly accessedBy: boolean;
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
export type MirroringCommand = PrefetchCommand | MigrateCommand | SnapshotCommand | ExclusiveCommand | AdviseCommand;

/** Everything a queue can be told. Commands are data: they can be traced, validated, replayed and printed. */
export type Command = PagingCommand | AccessCommand | MirroringCommand;

/** The name of a command. */
export type CommandKind = Command['kind'];
