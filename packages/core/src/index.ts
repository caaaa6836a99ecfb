export { ADDRESS_BITS, ADDRESS_LIMIT, type IdList, MAX_PAGE_SIZE, MIN_PAGE_SIZE } from './address/index.js';
export * from './driver/index.js';
export * from './kit/index.js';
export * from './mirror/index.js';
export * from './notifier/index.js';
export * from './policy/index.js';
export {
  accessHandleSwap,
  type Advice,
  bytesSource,
  type ByteSource,
  fileSwap,
  type CompactResult,
  type HoldMode,
  type HoldOptions,
  type Held,
  HOST_MIGRATION,
  type HostCompaction,
  type HostMemory,
  type HostMigrationOptions,
  type HostMigrationPolicy,
  managedMemory,
  type ManagedMemoryOptions,
  type MapOptions,
  memorySwap,
  type MemoryUse,
  type ReclaimOptions,
  type ReclaimStats,
  type MergeResult,
  type Region,
  type RegionAccess,
  type RangeOptions,
  type RelocateResult,
  type RemapOptions,
  Space,
  type SpaceOptions,
  type SwapAccessHandle,
  type SwapFile,
  type SwapStore,
  type ViewConstructor,
  type WrittenRange,
} from './space/index.js';
export * from './trace/index.js';
export { type PageTracker } from './tracking/index.js';
export * from './validate/index.js';
