export * from './counters.js';
export * from './event.js';
export * from './perfetto.js';
export * from './recorder.js';
export * from './tracer.js';
