import { FAULT_ATOMIC, FAULT_READ, FAULT_WRITE, PTE_WRITE } from '../driver/access.js';
import type { Device } from '../driver/device.js';
import type { FaultBatch } from '../driver/fault.js';
import type { Reporter } from './report.js';
import type { Shadow } from './shadow.js';
import type { Timelines } from './timelines.js';

const SPURIOUS_ALLOWED = 3;

/** What a fault is judged by, of the MMUs. */
export interface LiveMmus {
  /** Page size of fault reports; undefined for an MMU that is closed or never was. */
  faultPageSize(mmu: number): number | undefined;
  /** Says whether the device table mirrors the CPU's, so that core does not know its entries. */
  mirroring(mmu: number): boolean;
}

/** Says of every drained fault whether it can be true. */
export class FaultJudge {
  private readonly device: Device;
  private readonly shadow: Shadow;
  private readonly timelines: Timelines;
  private readonly mmus: LiveMmus;
  private readonly reporter: Reporter;
  private readonly unit: number;
  /** When the buffer was last known to be empty, and by queue since when what then ran was submitted. */
  private emptyAt = 0;
  private runningSince: readonly number[] = [];

  constructor(device: Device, shadow: Shadow, timelines: Timelines, mmus: LiveMmus, reporter: Reporter) {
    this.device = device;
    this.shadow = shadow;
    this.timelines = timelines;
    this.mmus = mmus;
    this.reporter = reporter;
    this.unit = device.limits.pageSizes[0] ?? 4096;
  }

  /** The buffer is empty: faults drained from now on were reported from now on. */
  empty(): void {
    this.emptyAt = ++this.timelines.time;
    this.runningSince = this.timelines.oldestRunning();
  }

  /** Judges entry `index` of a drained batch. */
  fault(batch: FaultBatch, index: number): void {
    const mmu = batch.mmus[index] ?? 0;
    const page = batch.pages[index] ?? 0;
    const access = batch.access[index] ?? 0;
    const queueId = batch.queues[index] ?? 0;
    const what = `the fault on page ${page} of MMU ${mmu} (access ${access}, queue ${queueId})`;
    const wrong = (why: string): void => this.reporter.report('backend', 'fault', `${what} ${why}`);
    const size = this.mmus.faultPageSize(mmu);
    if (!this.device.features.has('replayable-faults')) {
      this.reporter.report(
        'backend',
        'claim',
        `${what} was reported by a device that does not claim 'replayable-faults': fail the access at once`,
      );
    }
    if (size === undefined) return wrong('names an MMU that is not open: forget the faults of an MMU in its close()');
    if (access !== FAULT_READ && access !== FAULT_WRITE && access !== FAULT_ATOMIC)
      return wrong('has no FAULT_* access code');
    if (!Number.isSafeInteger(page) || page < 0) return wrong('has no page number');
    const queue = this.device.queues.findIndex((one) => one.id === queueId);
    if (queue < 0 || this.device.queues[queue]?.paging === true) return wrong('names no user queue of the device');
    if (!this.mmus.mirroring(mmu)) this.missing(mmu, page * (size / this.unit), size / this.unit, access, queue, wrong);
  }

  /** A fault needs an entry that was missing or too weak at some time since the access was submitted. */
  private missing(
    mmu: number,
    first: number,
    parts: number,
    access: number,
    queue: number,
    wrong: (why: string) => void,
  ): void {
    const table = this.shadow.tables.get(mmu);
    let since = 0;
    for (let page = first; page < first + parts; page++) {
      const entry = table?.entries.get(page);
      const enough = entry !== undefined && (access === FAULT_READ || (entry.access & PTE_WRITE) !== 0);
      if (!enough || entry.mayFault || entry.by.state !== 'signaled') return;
      since = Math.max(since, entry.by.signaledAt);
    }
    const entry = table?.entries.get(first);
    if (entry === undefined) return;
    entry.spurious += since < this.emptyAt ? 1 : 0;
    if (since < (this.runningSince[queue] ?? 0)) {
      return wrong(`is invented: ${entry.by} mapped it with enough rights before anything that runs now was submitted`);
    }
    if (entry.spurious === SPURIOUS_ALLOWED) {
      wrong(
        `was reported ${SPURIOUS_ALLOWED} times since ${entry.by} mapped it with enough rights: let the access go on after a replay`,
      );
    }
  }
}
