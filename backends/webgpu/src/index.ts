export type { FaultCompanion } from '@mirrorspace/core/driver';
export { webgpu, type WebgpuBackend } from './backend.js';
export { findGpu } from '#find-gpu';
export type { WebgpuDevice } from './webgpu-device.js';
export type { LedgerEntry } from './gpu/ledger.js';
export type { WebgpuOptions } from './options.js';
export type { WgslProgram } from '@mirrorspace/core';
