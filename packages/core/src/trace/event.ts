/** What every event says. Optional fields are absent where they make no sense, never `undefined`. */
export interface TraceBase {
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

/** The device could not translate an access: `access` is a `FAULT_*` code, `queue` the queue that stalled. */
export interface FaultTrace extends TracePages {
  readonly type: 'fault';
  readonly access: number;
}

/** One round of the fault service: `drained` faults gave `count` pages to serve. */
export interface BatchTrace extends TracePages {
  readonly type: 'batch';
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

/** Bytes moved between host frames and device frames; `bytes` is less than `count * pageSize` where pages were skipped. */
export interface CopyTrace extends TracePages {
  readonly type: 'copy';
  /** `in`: to the device. */
  readonly direction: 'in' | 'out';
  readonly bytes: number;
}

/** Pages left device memory to make room; `dirty` of them were written back. */
export interface EvictionTrace extends TracePages {
  readonly type: 'eviction';
  readonly dirty: number;
}

/** Pages changed their place on request, not because of a fault. */
export interface MigrationTrace extends TracePages {
  readonly type: 'migration';
  /** `host` or a device name. */
  readonly from: string;
  readonly to: string;
}

/** Accessed and dirty bits were read and cleared. */
export interface HarvestTrace extends TracePages {
  readonly type: 'harvest';
  readonly accessed: number;
  readonly dirty: number;
}

/** Stalled accesses may try again, at most `window` work units where it is given. */
export interface ReplayTrace extends TraceBase {
  readonly type: 'replay';
  readonly window?: number;
}

/** Stalled accesses were failed with `code`. */
export interface CancelTrace extends TracePages {
  readonly type: 'cancel';
  readonly code: string;
}

/** Something had to wait: `waiter` for `waitsFor`, e.g. `fault service` for `flush on queue 0`. */
export interface StallTrace extends TraceBase {
  readonly type: 'stall';
  readonly waiter: string;
  readonly waitsFor: string;
}

/** A program was submitted; with `duration`, until its fence settled. */
export interface LaunchTrace extends TraceBase {
  readonly type: 'launch';
  /** Work units of the grid. */
  readonly units: number;
  readonly name?: string;
}

/** The CPU page table changed under a device; `event` is the notifier's event name. */
export interface InvalidateTrace extends TracePages {
  readonly type: 'invalidate';
  readonly event: string;
}

/** The CPU touched pages a device holds (a CPU fault). */
export interface RecallTrace extends TracePages {
  readonly type: 'recall';
  readonly mode: 'read' | 'write';
}

/** Pages were brought before anyone faulted on them. */
export interface PrefetchTrace extends TracePages {
  readonly type: 'prefetch';
}

/** Pages were read from a file or another byte source. */
export interface PopulateTrace extends TracePages {
  readonly type: 'populate';
  readonly source?: string;
}

/** The device is gone. */
export interface LostTrace extends TraceBase {
  readonly type: 'lost';
  readonly reason: string;
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
