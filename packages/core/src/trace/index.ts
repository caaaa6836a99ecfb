export * from './counters.js';
export { DenseBlocks } from './dense-blocks.js';
export * from './event.js';
export * from './page-trace.js';
export * from './perfetto.js';
export * from './recorder.js';
export * from './tracer.js';
