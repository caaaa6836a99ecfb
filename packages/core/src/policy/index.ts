export * from './eviction/index.js';
export * from './placement/index.js';
export * from './preemption/index.js';
export * from './prefetch/index.js';
export * from './queue/index.js';
export * from './window/index.js';
