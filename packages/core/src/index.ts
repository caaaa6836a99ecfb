export { ADDRESS_BITS, ADDRESS_LIMIT, type IdList, MAX_PAGE_SIZE, MIN_PAGE_SIZE } from './address/index.js';
export * from './driver/index.js';
export * from './kit/index.js';
export * from './mirror/index.js';
export * from './notifier/index.js';
export * from './policy/index.js';
export {
  type Advice,
  bytesSource,
  type ByteSource,
  type HoldMode,
  type HoldOptions,
  type Held,
  type HostMemory,
  managedMemory,
  type ManagedMemoryOptions,
  type MapOptions,
  type MergeResult,
  type Region,
  type RegionAccess,
  type RangeOptions,
  type RemapOptions,
  Space,
  type SpaceOptions,
  type ViewConstructor,
  type WrittenRange,
} from './space/index.js';
export * from './trace/index.js';
export { type PageTracker } from './tracking/index.js';
export * from './validate/index.js';
