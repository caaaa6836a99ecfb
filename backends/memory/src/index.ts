export type { FaultCompanion } from '@mirrorspace/core/driver';
export { memory, type MemoryBackend } from './backend.js';
export { type ClockEvent, SimClock, type SimClockOptions } from './clock.js';
export type { DeviceEvent } from './event.js';
export type * from './fault-rule.js';
export { POISON } from './frames.js';
export { type Distribution, type EvenSpread, type LatencyModel, type LogNormal, TYPICAL_LATENCY } from './latency.js';
export { ALL_FEATURES, type MemoryOptions } from './options.js';
