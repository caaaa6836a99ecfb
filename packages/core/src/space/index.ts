export { throwIfAborted } from './abort.js';
export { type DevicePages, type RecallMode } from './device-pages.js';
export { forkInto } from './fork.js';
export { type Held, type HoldMode, type HoldOptions, type ViewConstructor } from './held.js';
export { type HostMemory } from './host-memory.js';
export { managedMemory, type ManagedMemoryOptions } from './managed-memory.js';
export { MemoryObject } from './memory-object.js';
export { remainder, type Remainder } from './overlap.js';
export * from './page-state.js';
export { PageStore } from './page-store.js';
export { checkRangeOptions, type RangeOptions } from './range-options.js';
export { recallPages, recallWhenFree } from './recall.js';
export {
  Region,
  type Advice,
  type MapOptions,
  type RegionAccess,
  type RegionInit,
  type RegionOwner,
} from './region.js';
export { type RemapOptions } from './remap.js';
export * from './resolve.js';
export { Signal } from './signal.js';
export { bytesSource, type ByteSource } from './source.js';
export { createSpaceState, Space, type SpaceOptions } from './space.js';
export { type WrittenRange } from './written.js';
export { allows, SpaceState, type SpaceMirror } from './state.js';
