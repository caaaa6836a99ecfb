export { bringBack, keepPages, knownPages, slotAt } from './reclaim/bring-back.js';
export { type MemoryUse } from './reclaim/range.js';
export { type ReclaimOptions } from './reclaim/options.js';
export { type ReclaimStats } from './reclaim/reclaimer.js';
export { KeptPages } from './reclaim/swap-in.js';
export {
  accessHandleSwap,
  fileSwap,
  memorySwap,
  type SwapAccessHandle,
  type SwapFile,
  type SwapStore,
} from './reclaim/swap-store.js';
export { throwIfAborted } from './abort.js';
export { concernsDevices } from './advise.js';
export { type DevicePages, type RecallMode } from './device-pages.js';
export { keysOf } from './entries.js';
export { type CompactResult } from './compact.js';
export { copyHome } from './copy-home.js';
export { forkInto } from './fork.js';
export { type Held, type HoldMode, type HoldOptions, type ViewConstructor } from './held.js';
export { HOST_MIGRATION, type HostMigrationOptions, type HostMigrationPolicy } from './host-migration.js';
export { type HostCompaction, type HostMemory } from './host-memory.js';
export type { SourceFrames } from './source-frames.js';
export { LIVE_BLOCK, type LiveFault, type LiveMemory, type LiveRange } from './live-memory.js';
export { type MergeResult } from './merge.js';
export { discardLost, lostPageAt } from './lost-pages.js';
export { managedMemory, type ManagedMemoryOptions } from './managed-memory.js';
export { type MemoryObject } from './memory-object.js';
export { isOutOfMemory } from './out-of-memory.js';
export {
  FLAG_ACCESSED,
  FLAG_CACHED,
  FLAG_DIRTY,
  FLAG_HELD,
  FLAG_IN_USE,
  FLAG_LOCKED,
  FLAG_LOST,
  FLAG_OWNED,
  FLAG_PRESENT,
  FLAG_SHARED,
  FLAG_SWAPPED,
  FLAG_ZERO,
} from './page-flags.js';
export * from './page-state.js';
export { KEYS_PER_SPACE } from './key-space.js';
export { PageStore } from './page-store.js';
export { checkRangeOptions, type RangeOptions } from './range-options.js';
export { recallPages, recallWhenFree } from './recall.js';
export { Region, type Advice, type BufferOptions, type MapOptions, type RegionAccess } from './region.js';
export { type RelocateResult } from './relocate.js';
export { type RemapOptions } from './remap.js';
export { type RemapPagesOptions } from './remap-options.js';
export * from './resolve.js';
export { Signal } from './signal.js';
export { bytesSource, type ByteSource, type SourceLimits } from './source.js';
export { accessHandleSource, type SourceAccessHandle } from './sources/access-handle.js';
export { type BlobLike, blobSource } from './sources/blob.js';
export { fileSource, type SourceFile } from './sources/file.js';
export { type FileSourceOptions } from './sources/options.js';
export { readPages } from './source-reader.js';
export { createSpaceState, Space, type SpaceOptions } from './space.js';
export { syncRange } from './sync.js';
export { type WrittenRange } from './written.js';
export { allows, SpaceState, type SpaceMirror } from './state.js';
