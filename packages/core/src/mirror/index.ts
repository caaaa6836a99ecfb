export { AddressSpace, createSpace } from './address-space.js';
export { type LaunchOptions } from './launch.js';
export { type MirrorLostInfo } from './loss-record.js';
export { Mirror } from './mirror.js';
export { type LostRange, type LostState, type Replacement, type ReplaceOptions } from './replace.js';
export { type AttachOptions, type PrefetchOptions } from './options.js';
export { type HarvestOptions, type HarvestResult } from './harvest.js';
export {
  RESIDENT_ASSUMED,
  RESIDENT_DEVICE,
  RESIDENT_HOST,
  RESIDENT_SWAPPED,
  RESIDENT_WRITABLE,
} from './residency-view.js';
export { type MirrorStats } from './stats.js';
export { type PageRecordingOptions } from './page-recorder.js';
export { type PageRecording } from './page-recording.js';
