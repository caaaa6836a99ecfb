import type { Command } from './command.js';
import type { FaultSource } from './fault.js';
import type { Fence } from './fence.js';

/**
 * What a device may offer beyond the base contract. A device must do what it claims, and answer `UNSUPPORTED` to what it does not.
 *
 * - `queues` more than one user queue
 * - `priorities` queue priorities are honoured
 * - `preemption` an urgent paging submission interrupts running work, at `limits.preemptionUs` a resident unit
 * - `accessed-bits`, `dirty-bits` entries carry them; without, every present (writable) entry counts as accessed (dirty)
 * - `replayable-faults` a missing page stalls; without, the access fails at once with `ADDRESS_NOT_MAPPED` or `ACCESS_DENIED`
 * - `atomics` the `atomicAdd` command and atomic accesses of programs
 * - `read-only-maps` entries without `PTE_WRITE` deny stores; without, a managed device cannot be attached
 * - `page-sizes` more than one page size
 * - `snapshots` mirroring MMUs say where pages are: the `snapshot` command, and {@link DeviceMmu.snapshot}
 * - `advice` mirroring MMUs take the `advise` command
 * - `program:<language>` launches programs of that language
 */
export type DeviceFeature =
  | 'queues'
  | 'priorities'
  | 'preemption'
  | 'accessed-bits'
  | 'dirty-bits'
  | 'replayable-faults'
  | 'atomics'
  | 'read-only-maps'
  | 'page-sizes'
  | 'snapshots'
  | 'advice'
  | `program:${string}`;

/** What a device is. */
export interface DeviceInfo {
  /** Unique among open devices, for messages and traces, e.g. `memory:0`. */
  readonly name: string;
  /** The backend that opened it. */
  readonly backend: string;
  /** Free text: maker, model, adapter. */
  readonly description: string;
}

/** Numbers a device is bound by. */
export interface DeviceLimits {
  /** Page sizes in bytes, ascending, powers of two from 4096 to 2 MiB. */
  readonly pageSizes: readonly number[];
  /** Bytes of frames: `memory / pageSize` frames at each page size. */
  readonly memory: number;
  /** Bits of a virtual address, at most 47. */
  readonly addressBits: number;
  /** Entries of the fault buffer. */
  readonly faultBuffer: number;
  /** Most pages one command may list. */
  readonly pagesPerCommand: number;
  /** Most commands one submission may hold. */
  readonly commandsPerSubmit: number;
  /** Work units that can be in flight at once. */
  readonly residentUnits: number;
  /** Microseconds a preemption costs for each resident work unit; 0 where the device does not preempt. */
  readonly preemptionUs: number;
}

/** Order in which queues get the device, where it claims `priorities`. */
export type QueuePriority = 'low' | 'normal' | 'high';

/** What a submission may ask for. */
export interface SubmitOptions {
  /** Starts only when these settled; fails without running anything if one failed. */
  readonly after?: readonly Fence[];
  /** On a device that claims `preemption`: interrupt running work rather than wait for it. Others answer `UNSUPPORTED`. */
  readonly urgent?: boolean;
}

/**
 * Runs submissions strictly in order. A fault stalls the queue at the faulting command until it is replayed or cancelled.
 * If a command fails, the rest of its submission is skipped, the fence fails, and the queue goes on with the next submission.
 */
export interface CommandQueue {
  /** Names it in fences and faults; unique on its device; 0 to 65,535. */
  readonly id: number;
  /** Its place in the order; counts only where the device claims `priorities`. */
  readonly priority: QueuePriority;
  /** A paging queue takes paging and mirroring commands only and so never stalls on a fault; the others take every command. */
  readonly paging: boolean;
  /** Submissions not settled yet. */
  readonly depth: number;
  /**
   * Enqueues and returns at once: it never waits, and never throws for a device fault or a lost device (the fence fails).
   * @throws TypeError, RangeError for malformed commands; MirrorError `UNSUPPORTED` for what the device does not claim. Nothing is enqueued then.
   */
  submit(commands: readonly Command[], options?: SubmitOptions): Fence;
}

/** One device page table: a VM, a PASID. */
export interface DeviceMmu {
  /** Names it in commands and faults; unique on its device while open; 0 to 65,535. */
  readonly id: number;
  /** `managed`: core fills it. `mirroring`: the device's driver mirrors the process page table; core sends migrate, snapshot, exclusive, advise. */
  readonly kind: 'managed' | 'mirroring';
  /** Bits of the virtual addresses it translates. */
  readonly addressBits: number;
  /** Page size of fault reports, in bytes. */
  readonly faultPageSize: number;
  /**
   * Mirroring MMUs of devices that claim `snapshots`, and those only: where the pages of a range are now, as `SNAPSHOT_*` flags, one a page from `start` on. What a `snapshot` command
   * finds, but at once and in no order with commands: for queries. @throws MirrorError
   */
  snapshot?(start: number, flags: Uint8Array): void;
  /** Ends it. Stalled accesses fail with `CLOSED`. Idempotent. */
  close(): Promise<void>;
}

/** Why a device is gone. */
export interface DeviceLostInfo {
  /** `closed`: by `close()`. `failed`: by itself. */
  readonly reason: 'closed' | 'failed';
  /** What happened, for people. */
  readonly message: string;
}

/** What a device's page table is opened with. */
export interface MmuOptions {
  /** Bits of the virtual addresses it must translate; 32 to `limits.addressBits`. */
  readonly addressBits: number;
  /** Page size that faults are reported in, one of `limits.pageSizes`. Default: the smallest. */
  readonly faultPageSize?: number;
}

/** An open device. */
export interface Device {
  /** What it is. */
  readonly info: DeviceInfo;
  /** Numbers it is bound by. */
  readonly limits: DeviceLimits;
  /** What it offers beyond the base contract. */
  readonly features: ReadonlySet<DeviceFeature>;
  /** At least one paging queue and at least one user queue. */
  readonly queues: readonly CommandQueue[];
  /** Where stalled accesses are reported. */
  readonly faults: FaultSource;
  /** Resolves (never rejects) when the device is gone, for whatever reason. All pending fences have failed by then. */
  readonly lost: Promise<DeviceLostInfo>;
  /** Microseconds on the device's own clock, simulated or real; never runs backwards. */
  now(): number;
  /** @throws MirrorError `UNSUPPORTED` where `addressBits` or the page size is not offered, `DEVICE_LOST`, `CLOSED`. */
  createMmu(options: MmuOptions): Promise<DeviceMmu>;
  /** Ends all work (pending fences fail with `CLOSED`) and frees everything. Idempotent. */
  close(): Promise<void>;
}

/** What a backend found on this machine. */
export interface ProbeReport {
  /** Whether `open` can succeed. */
  readonly available: boolean;
  /** A description of each device found; empty where none is available. */
  readonly devices: readonly string[];
  /** Why nothing is available. */
  readonly reason?: string;
  /** What the user can do about it. */
  readonly remedy?: string;
}

/** Faults that no command can cause: what a backend may offer to the conformance suite, beside the contract. */
export interface FaultCompanion {
  /** Makes a device fail by itself. */
  readonly lose: (device: Device) => void;
  /** Stops a device until it is closed. */
  readonly hang: (device: Device) => void;
}

/** A way to open devices: what a backend package exports. */
export interface Backend<Options = unknown> {
  /** Short name, e.g. `memory`; its devices give it as {@link DeviceInfo.backend}. */
  readonly name: string;
  /** Says, without side effects, whether `open` can succeed here. Never rejects. */
  probe(options?: Options): Promise<ProbeReport>;
  /** @throws MirrorError with the reason and the remedy. */
  open(options?: Options): Promise<Device>;
}
