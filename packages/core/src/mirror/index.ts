export { AddressSpace, createSpace } from './address-space.js';
export { type LaunchOptions } from './launch.js';
export { type MirrorLostInfo } from './loss-record.js';
export { Mirror, RESIDENT_DEVICE, RESIDENT_HOST, RESIDENT_WRITABLE } from './mirror.js';
export { type AttachOptions, type PrefetchOptions, type RangeOptions } from './options.js';
export { type HarvestResult } from './range-work.js';
export { type MirrorStats } from './stats.js';
