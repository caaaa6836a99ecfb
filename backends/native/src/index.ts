export { type AbiTable, type Addon, type FutexResult, PageCategory, ScanFlag } from './addon/addon.js';
export type { Descriptor, DescriptorClass, IoctlMemory, IoctlPointer, IoctlRequest } from './addon/descriptor.js';
export type { DiskFile, DiskFileClass } from './addon/disk-file.js';
export type { DriverFile } from './addon/driver-file.js';
export { addon, findAddon, type MissingAddon } from './addon/load.js';
export { Advice, type Mapping, type MappingClass, type Memfd, type MemfdClass } from './addon/mapping.js';
export {
  type FaultCounters,
  FaultFlag,
  type PageSource,
  type RegisterOptions,
  UffdFeature,
  UffdMode,
  type Userfault,
  type UserfaultClass,
} from './addon/userfault.js';
export {
  io,
  type Ioctl,
  IoctlDevice,
  ioctlNumber,
  type IoctlPointees,
  type IoctlResult,
  ior,
  iow,
  iowr,
} from './abi/ioctl.js';
export { type Fields, struct, type Struct, type StructInput, type StructValue, union } from './abi/struct.js';
export {
  array,
  bits64,
  bytes,
  type CType,
  descriptor,
  type Extent,
  i16,
  i32,
  i64,
  i8,
  pointer,
  u16,
  u32,
  u64,
  u8,
} from './abi/types.js';
export { nativeFile, type NativeFile, type NativeFileOptions } from './memory/native-file.js';
export { nativeMemory, type NativeMemory, type NativeMemoryOptions } from './memory/native-memory.js';
export { processMemory, type ProcessMemory, type ProcessMemoryOptions } from './process/process-memory.js';
export type { Mechanism } from './probe/mechanism.js';
export { type NativeMechanisms, type NativeReport, probe } from './probe/probe.js';
export { native, type NativeBackend } from './engine/backend.js';
export type { NativeOptions } from './engine/options.js';
export type { WasmProgram } from '@mirrorspace/core/driver';
