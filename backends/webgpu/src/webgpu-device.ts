import type { Device } from '@mirrorspace/core/driver';
import type { LedgerEntry } from './gpu/ledger.js';

/** An open WebGPU device with a page table in software. */
export interface WebgpuDevice extends Device {
  /** GPU memory that it holds, by what it is for, greatest first; empty once it is closed. */
  readonly memoryUse: readonly LedgerEntry[];
}
