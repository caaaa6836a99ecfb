/** What every event says. Optional fields are absent where they make no sense, never `undefined`. */
export interface TraceBase {
  /** What happened; tells events apart. */
  readonly type: string;
  /** When it began, in microseconds on the device's clock (`Device.now()`). */
  readonly time: number;
  /** How long it took, in microseconds; absent for what happens at one instant. */
  readonly duration?: number;
  /** `DeviceInfo.name`. */
  readonly device: string;
  /** `AddressSpace.id`; absent for what concerns the device as a whole. */
  readonly space?: number;
  /** Id of the device queue concerned. */
  readonly queue?: number;
  /** Pages of device memory in use once it happened, in units of `pageSize`; exported as a counter. */
  readonly resident?: number;
}

/** What events on pages say beside. */
export interface TracePages extends TraceBase {
  /** Bytes a page. */
  readonly pageSize: number;
  /** Pages concerned; their bytes are `count * pageSize`. */
  readonly count: number;
  /** The first page's number, in units of `pageSize`. */
  readonly page?: number;
}

/** The device could not translate accesses to one page. */
export interface FaultTrace extends TracePages {
  readonly type: 'fault';
  /** What was tried: `FAULT_READ`, or `FAULT_WRITE` for stores and atomic accesses. */
  readonly access: number;
}

/** One round of the fault service: `drained` faults gave `count` pages to serve. */
export interface BatchTrace extends TracePages {
  readonly type: 'batch';
  /** Faults taken from the fault buffer. */
  readonly drained: number;
}

/** Entries of the device page table were made, removed or changed. */
export interface TableTrace extends TracePages {
  readonly type: 'map' | 'unmap' | 'protect';
}

/** Cached translations were flushed; `count` is 0 when it was the whole MMU. */
export interface FlushTrace extends TracePages {
  readonly type: 'flush';
}

/** Pages were copied between host frames and device frames; clean pages that stay where they are do not count. */
export interface CopyTrace extends TracePages {
  readonly type: 'copy';
  /** `in`: to the device. */
  readonly direction: 'in' | 'out';
  /** Bytes moved. */
  readonly bytes: number;
}

/** Pages left device memory to make room; `dirty` of them were written back. */
export interface EvictionTrace extends TracePages {
  readonly type: 'eviction';
  /** How many of the pages were written back. */
  readonly dirty: number;
}

/** Pages changed their place on request, not because of a fault. */
export interface MigrationTrace extends TracePages {
  readonly type: 'migration';
  /** `host` or a device name. */
  readonly from: string;
  /** `host` or a device name. */
  readonly to: string;
}

/** Accessed and dirty bits were read and cleared. */
export interface HarvestTrace extends TracePages {
  readonly type: 'harvest';
  /** Pages that the device accessed since the last harvest. */
  readonly accessed: number;
  /** Pages that the device wrote since the last harvest. */
  readonly dirty: number;
}

/** Stalled accesses may try again, at most `window` work units where it is given. */
export interface ReplayTrace extends TraceBase {
  readonly type: 'replay';
  /** Most work units a launch that may try again; absent: all. */
  readonly window?: number;
}

/** Stalled accesses were failed with `code`. */
export interface CancelTrace extends TracePages {
  readonly type: 'cancel';
  /** Error code that the accesses fail with. */
  readonly code: string;
}

/** Something had to wait: `waiter` for `waitsFor`, e.g. `fault service` for `flush on queue 0`. */
export interface StallTrace extends TraceBase {
  readonly type: 'stall';
  /** Who waits. */
  readonly waiter: string;
  /** What for. */
  readonly waitsFor: string;
}

/** A program was submitted; with `duration`, until its fence settled. */
export interface LaunchTrace extends TraceBase {
  readonly type: 'launch';
  /** Work units of the grid. */
  readonly units: number;
  /** Name of the program, where one is known. */
  readonly name?: string;
}

/** The CPU page table changed under a device; `event` is the notifier's event name. */
export interface InvalidateTrace extends TracePages {
  readonly type: 'invalidate';
  /** Why it changed: a {@link NotifierEventKind}. */
  readonly event: string;
}

/** The CPU touched pages a device holds (a CPU fault). */
export interface RecallTrace extends TracePages {
  readonly type: 'recall';
  /** What the CPU wants; with `write` the device keeps no copy. */
  readonly mode: 'read' | 'write';
}

/** Pages were brought before anyone faulted on them. */
export interface PrefetchTrace extends TracePages {
  readonly type: 'prefetch';
}

/** Pages were read from a file or another byte source. */
export interface PopulateTrace extends TracePages {
  readonly type: 'populate';
  /** Name of the source, where one is known. */
  readonly source?: string;
}

/** The device is gone. */
export interface LostTrace extends TraceBase {
  readonly type: 'lost';
  /** `closed` or `failed`, as in `DeviceLostInfo.reason`. */
  readonly reason: string;
  /** What happened, for people. */
  readonly message: string;
}

/** Everything a mirror can report, told apart by `type`. Events are plain data and never change once emitted. */
export type TraceEvent =
  | FaultTrace
  | BatchTrace
  | TableTrace
  | FlushTrace
  | CopyTrace
  | EvictionTrace
  | MigrationTrace
  | HarvestTrace
  | ReplayTrace
  | CancelTrace
  | StallTrace
  | LaunchTrace
  | InvalidateTrace
  | RecallTrace
  | PrefetchTrace
  | PopulateTrace
  | LostTrace;

/** The name of an event. */
export type TraceType = TraceEvent['type'];
