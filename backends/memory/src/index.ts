export { memory } from './backend.js';
export { type ClockEvent, SimClock, type SimClockOptions } from './clock.js';
export type { DeviceEvent } from './event.js';
export { POISON } from './frames.js';
export { type Distribution, type LatencyModel, TYPICAL_LATENCY } from './latency.js';
export { ALL_FEATURES, type MemoryOptions } from './options.js';
export type { FaultRule, FaultScript, Moment, NthCommand } from './script.js';
